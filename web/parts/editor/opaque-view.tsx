import { Download } from "lucide-react";
import type { ReactNode } from "react";
import { fileAddress } from "../../app/data-files.ts";
import { readableBytes } from "../../app/editor/content.ts";
import type { OpenFile } from "../../app/editor/text-buffer.ts";
import { bytesText } from "../../app/formats.ts";
import { baseOf } from "../../app/paths.ts";
import { buttonClass } from "../button.tsx";
import { useBench } from "./bench-context.ts";

type Opaque = OpenFile & { readonly kind: "opaque" };

/** Says why a file is not shown, and offers what is possible instead. */
export function OpaqueView({ path, file }: { readonly path: string; readonly file: Opaque }): ReactNode {
  const { site } = useBench();
  return (
    <div className="flex flex-1 flex-col items-center justify-center gap-4 px-6 py-12 text-center">
      <p className="max-w-md text-soft">
        {file.reason === "large"
          ? `This file has ${bytesText(file.size)}. Files of up to ${bytesText(readableBytes)} are shown here.`
          : "This is not a text file, so there is nothing to be read or edited here."}
      </p>
      <a href={fileAddress(site.name, path)} download={baseOf(path)} className={buttonClass("primary")}>
        <Download aria-hidden="true" />
        Download {bytesText(file.size)}
      </a>
    </div>
  );
}
