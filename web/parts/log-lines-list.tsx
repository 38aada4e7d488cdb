import { memo, type ReactNode } from "react";
import type { NumberedLine } from "../app/log-lines.ts";
import { cx } from "./class-names.ts";

interface LinesProps {
  readonly lines: readonly NumberedLine[];
  readonly search: string;
  readonly isWrapped: boolean;
}

export function LogLines({ lines, search, isWrapped }: LinesProps): ReactNode {
  return (
    <ol className={cx(!isWrapped && "w-max min-w-full")}>
      {lines.map((line) => (
        <Line key={line.id} line={line} search={search} />
      ))}
    </ol>
  );
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

const Line = memo(function Line({ line, search }: { readonly line: NumberedLine; readonly search: string }): ReactNode {
  const isError = line.stream === "stderr";
  const isRouter = line.stream === "router";
  const at = new Date(line.at);
  return (
    <li
      className={cx(
        "flex gap-3 px-3 hover:bg-sunken",
        isError && "border-bad border-l-[3px] bg-bad-tint/40 pl-[9px]",
        isRouter && "border-warn border-l-[3px] bg-warn-tint/50 pl-[9px]",
      )}
    >
      <time dateTime={line.at} className="shrink-0 select-none text-soft">
        {Number.isNaN(at.getTime()) ? "" : clock.format(at)}
      </time>
      <span className={cx("min-w-0", line.stream === "platform" && "font-sans text-sky")}>
        {line.stream === "platform" && <span className="font-medium">Backlot: </span>}
        {isRouter && <span className="font-medium font-sans text-warn">To a visitor: </span>}
        {isError && <span className="sr-only">Error output: </span>}
        <Marked text={line.line} search={search} />
      </span>
    </li>
  );
});

/** The text with every place that was searched for marked. */
function Marked({ text, search }: { readonly text: string; readonly search: string }): ReactNode {
  const wanted = search.trim().toLowerCase();
  if (wanted === "") return text;
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = text.toLowerCase().indexOf(wanted); at !== -1; at = text.toLowerCase().indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}
