import { type ReactNode, useState } from "react";
import { fileAddress } from "../../app/data-files.ts";
import type { OpenFile } from "../../app/editor/text-buffer.ts";
import { bytesText } from "../../app/formats.ts";
import { baseOf } from "../../app/paths.ts";
import { useBench } from "./bench-context.ts";
import { PdfView } from "./pdf-view.tsx";

type MediaFile = OpenFile & { readonly kind: "media" };

/** A picture, sound, film or PDF, as the browser shows it. */
export function MediaView({ path, file }: { readonly path: string; readonly file: MediaFile }): ReactNode {
  const { site } = useBench();
  const [note, setNote] = useState("");
  const [isBroken, setBroken] = useState(false);
  // Another version is another address, so that the browser does not go on showing the one before.
  const address = `${fileAddress(site.name, path)}${file.etag === null ? "" : `#${file.etag.slice(1, 9)}`}`;
  const name = baseOf(path);
  const broken = (): void => setBroken(true);
  return (
    <figure key={address} className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-0 flex-1 items-center justify-center overflow-auto p-4 sm:p-8">
        {isBroken && <p className="text-soft">The browser cannot show this file. Download it to look at it.</p>}
        {!isBroken && file.media === "image" && (
          <img
            src={address}
            alt={name}
            className="max-h-full max-w-full bg-[length:20px_20px] bg-[repeating-conic-gradient(var(--sunken)_0_25%,var(--surface)_0_50%)]"
            onLoad={({ currentTarget: image }) => setNote(`${image.naturalWidth} × ${image.naturalHeight} pixels, `)}
            onError={broken}
          />
        )}
        {/* biome-ignore lint/a11y/useMediaCaption: it is a file of somebody's site, which brings no captions. */}
        {!isBroken && file.media === "audio" && <audio src={address} controls preload="metadata" aria-label={name} onError={broken} />}
        {!isBroken && file.media === "video" && (
          // biome-ignore lint/a11y/useMediaCaption: as above.
          <video src={address} controls preload="metadata" aria-label={name} className="max-h-full max-w-full" onError={broken} />
        )}
        {file.media === "pdf" && <PdfView site={site.name} path={path} size={file.size} />}
      </div>
      <figcaption className="border-line border-t px-4 py-1.5 text-soft text-sm">
        {note}
        {bytesText(file.size)}
      </figcaption>
    </figure>
  );
}
