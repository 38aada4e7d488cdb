import { ChevronDown, ChevronUp, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "../button.tsx";
import type { Screen } from "./screen.ts";

/** Looks for a text in what a terminal has shown. */
export function SearchBar({ screen, onClose }: { readonly screen: () => Screen | undefined; readonly onClose: () => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [isFound, setFound] = useState(true);
  useEffect(() => input.current?.focus(), []);
  const find = (direction: "next" | "previous", wanted = text): void => setFound(screen()?.find(wanted, direction) ?? false);
  const close = (): void => {
    screen()?.endSearch();
    onClose();
  };
  return (
    <search className="absolute top-2 right-4 z-10 flex items-center gap-1 rounded-xl border border-line bg-surface p-1.5 shadow-float">
      <input
        ref={input}
        type="search"
        aria-label="Search the terminal"
        placeholder="Search"
        aria-invalid={!isFound || undefined}
        className="control min-h-9! w-44 py-1!"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          find("previous", event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          if (event.key === "Enter") find(event.shiftKey ? "next" : "previous");
        }}
      />
      <span role="status" className="sr-only">
        {isFound ? "" : "Not found"}
      </span>
      <IconButton label="Find earlier" className="size-9" onClick={() => find("previous")}>
        <ChevronUp aria-hidden="true" />
      </IconButton>
      <IconButton label="Find later" className="size-9" onClick={() => find("next")}>
        <ChevronDown aria-hidden="true" />
      </IconButton>
      <IconButton label="End the search" className="size-9" onClick={close}>
        <X aria-hidden="true" />
      </IconButton>
    </search>
  );
}
