import { Download, Pause, Play, Search, WrapText } from "lucide-react";
import { type ReactNode, useDeferredValue, useEffect, useRef, useState } from "react";
import { readLogs } from "#contract/api/sites.ts";
import type { SiteView } from "#contract/api/views.ts";
import { pathOf } from "#contract/client.ts";
import { countText } from "../app/formats.ts";
import { type LiveLog, useLiveLog } from "../app/live-log.ts";
import { type NumberedLine, searchLines } from "../app/log-lines.ts";
import { Button, buttonClass } from "./button.tsx";
import { cx } from "./class-names.ts";
import { LogLines } from "./log-lines-list.tsx";

/** Lines in a download: the most that the API gives. */
const downloadLines = 10_000;

/** A program's output: follows the tail until paused. */
export function LogView({ site }: { readonly site: SiteView }): ReactNode {
  const log = useLiveLog(site.name);
  const [search, setSearch] = useState("");
  const [isWrapped, setWrapped] = useState(true);
  const [frozen, setFrozen] = useState<readonly NumberedLine[] | null>(null);
  const wanted = useDeferredValue(search);
  const all = frozen ?? log.lines;
  const lines = searchLines(all, wanted);
  const missed = frozen === null ? 0 : (log.lines.at(-1)?.id ?? 0) - (frozen.at(-1)?.id ?? 0);
  return (
    <section aria-label={`Log of ${site.name}`}>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <search className="relative w-full sm:w-64">
          <Search className="pointer-events-none absolute top-3 left-3 size-5 text-soft" aria-hidden="true" />
          <input
            type="search"
            aria-label="Search the log"
            placeholder="Search the log"
            className="control pl-10"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </search>
        <Button className="flex-1 px-3 sm:flex-none" aria-pressed={frozen !== null} onClick={() => setFrozen(frozen === null ? log.lines : null)}>
          {frozen === null ? <Pause aria-hidden="true" /> : <Play aria-hidden="true" />}
          {frozen === null ? "Pause" : "Go on"}
        </Button>
        <Button className="flex-1 px-3 sm:flex-none" aria-pressed={isWrapped} onClick={() => setWrapped(!isWrapped)}>
          <WrapText aria-hidden="true" />
          {isWrapped ? "Do not wrap" : "Wrap lines"}
        </Button>
        <a
          href={pathOf(readLogs, { params: { name: site.name }, query: { tail: downloadLines } })}
          download={`${site.name}.log`}
          className={buttonClass("plain", "flex-1 px-3 sm:flex-none")}
        >
          <Download aria-hidden="true" />
          Download
        </a>
      </div>
      <LogBox lines={lines} search={wanted} isWrapped={isWrapped} isPaused={frozen !== null} isAsleep={site.state === "asleep"} isEmpty={all.length === 0} />
      <p role="status" className="mt-2 flex flex-wrap items-center gap-x-4 text-soft text-sm">
        <FollowState log={log} isPaused={frozen !== null} missed={missed} />
        {wanted.trim() !== "" && <span>{countText(lines.length, "line")} found</span>}
      </p>
    </section>
  );
}

function FollowState({ log, isPaused, missed }: { readonly log: LiveLog; readonly isPaused: boolean; readonly missed: number }): ReactNode {
  if (isPaused) return <span>Paused{missed > 0 && `, ${countText(missed, "newer line")}`}</span>;
  if (log.state === "lost") return <span className="text-warn">{log.problem ?? "The connection was lost."} Connecting again…</span>;
  if (log.state === "connecting") return <span>Connecting…</span>;
  return (
    <span className="flex items-center gap-2">
      <span className="size-2 rounded-full bg-good" aria-hidden="true" />
      Following live
    </span>
  );
}

interface BoxProps {
  readonly lines: readonly NumberedLine[];
  readonly search: string;
  readonly isWrapped: boolean;
  readonly isPaused: boolean;
  readonly isAsleep: boolean;
  readonly isEmpty: boolean;
}

function LogBox({ lines, search, isWrapped, isPaused, isAsleep, isEmpty }: BoxProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  // Follows as long as the end is in sight; scrolling up reads in peace.
  const isAtEnd = useRef(true);
  useEffect(() => {
    if (lines.length > 0 && isAtEnd.current && !isPaused && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, isPaused]);
  return (
    <div
      ref={box}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable for arrow keys.
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Lines"
      onScroll={({ currentTarget: each }) => {
        isAtEnd.current = each.scrollHeight - each.scrollTop - each.clientHeight < 40;
      }}
      className={cx(
        "card h-[min(65vh,42rem)] min-h-72 overflow-auto py-2 font-mono text-[0.8125rem] leading-6",
        isWrapped ? "[overflow-wrap:anywhere]" : "whitespace-pre",
      )}
    >
      {isEmpty && (
        <p className="px-4 py-2 font-sans text-base text-soft">
          {isAsleep
            ? "Nothing here yet. The program sleeps and writes nothing until it is woken."
            : "Nothing here yet. What the program prints appears at once."}
        </p>
      )}
      {!isEmpty && lines.length === 0 && <p className="px-4 py-2 font-sans text-base text-soft">No line holds “{search}”.</p>}
      <LogLines lines={lines} search={search} isWrapped={isWrapped} />
    </div>
  );
}
