import { type ReactNode, useState } from "react";
import type { ImageView } from "#contract/image.ts";
import { wordsOf } from "../../app/api.ts";
import { saveFile, useFolder, useSetExecutable } from "../../app/data-files.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";

/** Where the platform looks for it. */
const runFolders = ["", "private", "public"] as const;

/** A `run.sh` of the image, for a site that has none; nothing is shown for one that has. */
export function RunOffer({ site, image }: { readonly site: string; readonly image: ImageView }): ReactNode {
  const folders = [useFolder(site, runFolders[0]), useFolder(site, runFolders[1]), useFolder(site, runFolders[2])];
  const setExecutable = useSetExecutable(site);
  const [isWriting, setWriting] = useState(false);
  const isKnown = folders.every(({ isPending }) => !isPending);
  const hasOne = folders.some(({ data }) => data?.entries.some(({ name }) => name === "run.sh") === true);
  if (!isKnown || hasOne) return null;
  const write = async (): Promise<void> => {
    setWriting(true);
    try {
      await saveFile(site, "run.sh", { bytes: new TextEncoder().encode(image.runTemplate), etag: null });
      await setExecutable.mutateAsync({ path: "run.sh", executable: true });
      notify({ tone: "good", text: "run.sh is written: the next visit starts it" });
    } catch (error) {
      notify({ tone: "bad", text: wordsOf(error) });
    } finally {
      setWriting(false);
    }
  };
  return (
    <div className="mt-4 flex flex-wrap items-center justify-between gap-3 rounded-xl bg-sunken px-4 py-3">
      <p className="min-w-0 flex-1 basis-56 text-sm">This site has no run.sh yet. {image.name} comes with one to begin with.</p>
      <Button onClick={() => void write()} busy={isWriting && "Writing…"}>
        Write run.sh
      </Button>
    </div>
  );
}
