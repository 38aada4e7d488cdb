import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { notify } from "../app/notices.ts";
import { IconButton } from "./button.tsx";

/** Copies a text; says so for a moment. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      // Browsers refuse the clipboard on plain http addresses other than localhost.
      notify({ tone: "bad", text: "The browser does not allow copying here. Select the text and copy it by hand." });
    }
  };
  return (
    <IconButton label={isCopied ? "Copied" : label} onClick={() => void copy()}>
      {isCopied ? <Check className="text-good" aria-hidden="true" /> : <Copy aria-hidden="true" />}
      <span className="sr-only" aria-live="polite">
        {isCopied ? "Copied" : ""}
      </span>
    </IconButton>
  );
}
