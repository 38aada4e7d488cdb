import { Download } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import type { FolderEntry } from "#contract/api/files.ts";
import { fileAddress } from "../../app/data-files.ts";
import { bytesText } from "../../app/formats.ts";
import { maxEditableBytes } from "../../app/text-file.ts";
import { buttonClass } from "../button.tsx";

/** A picture, from the bytes that were read: a blob has the right type whatever the API calls it. */
export function ImageView({ bytes, type, name }: { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string; readonly name: string }): ReactNode {
  const [address, setAddress] = useState<string | null>(null);
  const [size, setSize] = useState<string | null>(null);
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([bytes], { type }));
    setAddress(url);
    return () => URL.revokeObjectURL(url);
  }, [bytes, type]);
  return (
    <figure className="card mb-4 overflow-hidden">
      <div className="flex min-h-48 items-center justify-center bg-[repeating-conic-gradient(var(--sunken)_0_25%,var(--surface)_0_50%)] bg-[length:20px_20px] p-6">
        {address !== null && (
          <img
            src={address}
            alt={name}
            className="max-h-[60vh] max-w-full"
            onLoad={({ currentTarget: image }) => setSize(`${image.naturalWidth} × ${image.naturalHeight} pixels, `)}
            onError={() => setSize("This picture cannot be shown, ")}
          />
        )}
      </div>
      <figcaption className="border-line border-t px-4 py-2.5 text-soft text-sm">
        {size}
        {bytesText(bytes.length)}
      </figcaption>
    </figure>
  );
}

const reasons = {
  large: (entry: FolderEntry) => `This file has ${bytesText(entry.size)}. The editor opens files of up to ${bytesText(maxEditableBytes)}.`,
  binary: () => "This is not a text file, so it cannot be edited here.",
  link: (entry: FolderEntry) =>
    entry.type === "link" ? `This is a link to ${entry.target ?? "another place"}.` : "This is a device, pipe or socket, which cannot be opened here.",
} as const;

/** Says why a file is not opened, and offers what is possible instead. */
export function OtherFile({
  site,
  path,
  entry,
  reason,
}: {
  readonly site: string;
  readonly path: string;
  readonly entry: FolderEntry;
  readonly reason: keyof typeof reasons;
}): ReactNode {
  return (
    <div className="card flex flex-col items-center gap-4 px-6 py-12 text-center">
      <p className="max-w-md text-soft">{reasons[reason](entry)}</p>
      {entry.type === "file" && (
        <a href={fileAddress(site, path)} download={entry.name} className={buttonClass("primary")}>
          <Download aria-hidden="true" />
          Download {bytesText(entry.size)}
        </a>
      )}
    </div>
  );
}
