import { type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import type { ImageView } from "#contract/image.ts";
import { wordsOf } from "../../app/api.ts";
import { saveFile, useFolder, useSetExecutable } from "../../app/data-files.ts";
import { useImages } from "../../app/data-images.ts";
import { useUpdateSite } from "../../app/data-sites.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";
import { Field, Select } from "../field.tsx";
import { Section } from "../heading.tsx";
import { SaveBar } from "./save-bar.tsx";

/** The image that a site's programs run in; shown only where sites run in images and there is a choice. */
export function ImageSettings({ site }: { readonly site: SiteView }): ReactNode {
  const { data } = useImages();
  if (data === undefined || !data.isUsed || data.images.length === 0) return null;
  return <ImageForm site={site} images={data.images} />;
}

function ImageForm({ site, images }: { readonly site: SiteView; readonly images: readonly ImageView[] }): ReactNode {
  const held = site.image ?? null;
  const [image, setImage] = useState(held);
  const update = useUpdateSite(site.name);
  const chosen = images.find(({ id, isDefault }) => (image === null ? isDefault : id === image));
  const standard = images.find(({ isDefault }) => isDefault);
  const isUnlisted = held !== null && !images.some(({ id }) => id === held);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (image !== held) update.mutate({ image });
  };
  return (
    <Section title="Image" lead="What the program runs in: its languages and tools.">
      <form onSubmit={submit}>
        <Field label="Image" hint={chosen?.description || "A change restarts the program."}>
          {(control) => (
            <Select {...control} value={image ?? ""} onChange={(event) => setImage(event.target.value === "" ? null : Number(event.target.value))}>
              <option value="">Default{standard === undefined ? "" : ` (${standard.name})`}</option>
              {isUnlisted && <option value={held}>The present one (no longer offered)</option>}
              {images
                .filter(({ id, visibility }) => visibility !== "hidden" || id === held)
                .map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
            </Select>
          )}
        </Field>
        {chosen !== undefined && chosen.runTemplate !== "" && <RunOffer site={site} image={chosen} />}
        <SaveBar
          isChanged={image !== held}
          isSaving={update.isPending}
          error={update.error}
          onDiscard={() => {
            setImage(held);
            update.reset();
          }}
        />
      </form>
    </Section>
  );
}

/** Where the platform looks for it. */
const runFolders = ["", "private", "public"] as const;

/** A `run.sh` of the image, for a site that has none. */
function RunOffer({ site, image }: { readonly site: SiteView; readonly image: ImageView }): ReactNode {
  const folders = [useFolder(site.name, runFolders[0]), useFolder(site.name, runFolders[1]), useFolder(site.name, runFolders[2])];
  const setExecutable = useSetExecutable(site.name);
  const [isWriting, setWriting] = useState(false);
  const isKnown = folders.every(({ isPending }) => !isPending);
  const hasOne = folders.some(({ data }) => data?.entries.some(({ name }) => name === "run.sh") === true);
  if (!isKnown || hasOne) return null;
  const write = async (): Promise<void> => {
    setWriting(true);
    try {
      await saveFile(site.name, "run.sh", { bytes: new TextEncoder().encode(image.runTemplate), etag: null });
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
