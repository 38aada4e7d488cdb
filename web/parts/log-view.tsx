import { Download, Pause, Play, Search, WrapText } from "lucide-react";
import { type ReactNode, useDeferredValue, useLayoutEffect, useRef, useState } from "react";
import { readLogs } from "#contract/api/sites.ts";
import type { SiteView } from "#contract/api/views.ts";
import { pathOf } from "#contract/client.ts";
import { countText } from "../app/formats.ts";
import { type LiveLog, useLiveLog } from "../app/live-log.ts";
import { kindWords, type LineKind, lineKinds, linesOfKind, type NumberedLine, searchLines } from "../app/log-lines.ts";
import { Button, buttonClass } from "./button.tsx";
import { cx } from "./class-names.ts";
import { Select } from "./field.tsx";
import { LogLines } from "./log-lines-list.tsx";

/** Lines in a download: the most that the API gives. */
const downloadLines = 10_000;

interface LogProps {
  readonly site: SiteView;
  /** Fills the place it is in, with small buttons. */
  readonly isCompact?: boolean;
  /** What stands at the end of the buttons. */
  readonly end?: ReactNode;
}

/** What a site's program writes, what Backlot says of it, and what visitors were told instead: follows the tail until paused. */
export function LogView({ site, isCompact = false, end }: LogProps): ReactNode {
  const log = useLiveLog(site.name);
  const [search, setSearch] = useState("");
  const [kind, setKind] = useState<LineKind>("all");
  const [isWrapped, setWrapped] = useState(true);
  const [frozen, setFrozen] = useState<readonly NumberedLine[] | null>(null);
  const wanted = useDeferredValue(search);
  const all = frozen ?? log.lines;
  const lines = searchLines(linesOfKind(all, kind), wanted);
  const missed = frozen === null ? 0 : (log.lines.at(-1)?.id ?? 0) - (frozen.at(-1)?.id ?? 0);
  const buttonSize = isCompact ? "px-2.5 text-sm min-h-8! pointer-coarse:min-h-10!" : "px-3";
  const words = isCompact ? "max-xl:sr-only" : "max-sm:sr-only";
  const state = (
    <p
      role="status"
      className={cx(
        "flex flex-wrap items-center gap-x-4 text-soft text-sm",
        isCompact ? "min-w-0 flex-1 flex-nowrap! overflow-hidden whitespace-nowrap max-sm:invisible" : "mt-2",
      )}
    >
      <FollowState log={log} isPaused={frozen !== null} missed={missed} />
      {(wanted.trim() !== "" || kind !== "all") && <span>{countText(lines.length, "line")} found</span>}
    </p>
  );
  return (
    <section aria-label={`Log of ${site.name}`} className={cx(isCompact && "flex min-h-0 flex-1 flex-col")}>
      <div className={cx("flex items-center gap-2", isCompact ? "border-line border-b px-2 py-1" : "mb-3 flex-wrap")}>
        <LogFilters search={search} onSearch={setSearch} kind={kind} onKind={setKind} isCompact={isCompact} />
        {isCompact && state}
        <Button className={buttonSize} aria-pressed={frozen !== null} onClick={() => setFrozen(frozen === null ? log.lines : null)}>
          {frozen === null ? <Pause aria-hidden="true" /> : <Play aria-hidden="true" />}
          <span className={words}>{frozen === null ? "Pause" : "Go on"}</span>
        </Button>
        <Button className={cx(buttonSize, isCompact && "max-sm:hidden")} aria-pressed={isWrapped} onClick={() => setWrapped(!isWrapped)}>
          <WrapText aria-hidden="true" />
          <span className={words}>{isWrapped ? "Do not wrap" : "Wrap lines"}</span>
        </Button>
        <a
          href={pathOf(readLogs, { params: { name: site.name }, query: { tail: downloadLines, download: true } })}
          download={`${site.name}.log`}
          className={buttonClass("plain", buttonSize)}
        >
          <Download aria-hidden="true" />
          <span className={words}>Download</span>
        </a>
        {end}
      </div>
      <LogBox
        lines={lines}
        search={wanted}
        isWrapped={isWrapped}
        isPaused={frozen !== null}
        isCompact={isCompact}
        emptyWords={all.length === 0 ? emptyWords(site) : null}
      />
      {!isCompact && state}
    </section>
  );
}

interface FilterProps {
  readonly search: string;
  readonly onSearch: (search: string) => void;
  readonly kind: LineKind;
  readonly onKind: (kind: LineKind) => void;
  readonly isCompact: boolean;
}

function LogFilters({ search, onSearch, kind, onKind, isCompact }: FilterProps): ReactNode {
  return (
    <>
      <search className={cx("relative", isCompact ? "w-40 min-w-0 shrink sm:w-56" : "w-full sm:w-64")}>
        <Search className={cx("pointer-events-none absolute left-3 text-soft", isCompact ? "top-2 size-4" : "top-3 size-5")} aria-hidden="true" />
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          className={cx("control", isCompact ? "min-h-8! py-1! pl-9 text-[0.875rem]! pointer-coarse:min-h-10!" : "pl-10")}
          value={search}
          onChange={(event) => onSearch(event.target.value)}
        />
      </search>
      <Select
        aria-label="Which lines"
        className={isCompact ? "w-auto! min-h-8! shrink-0 py-1! text-[0.875rem]! max-sm:hidden" : "w-auto! max-sm:w-0! max-sm:min-w-0 max-sm:flex-1"}
        value={kind}
        onChange={(event) => onKind(lineKinds.find((each) => each === event.target.value) ?? "all")}
      >
        {lineKinds.map((each) => (
          <option key={each} value={each}>
            {kindWords[each]}
          </option>
        ))}
      </Select>
    </>
  );
}

function emptyWords(site: SiteView): string {
  if (site.kind === "static") return "Nothing here yet. A static site runs no program; what visitors were told instead of a page appears here.";
  if (site.state === "asleep") return "Nothing here yet. The program sleeps and writes nothing until it is woken.";
  return "Nothing here yet. What the program prints appears at once.";
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
  readonly isCompact: boolean;
  /** Said while there is no line at all; null once there is. */
  readonly emptyWords: string | null;
}

function LogBox({ lines, search, isWrapped, isPaused, isCompact, emptyWords }: BoxProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  // Follows as long as the end is in sight; scrolling up reads in peace.
  const isAtEnd = useRef(true);
  // Before the browser tells of the scrolling to earlier lines: it would find the end out of sight, and nothing would be followed any more.
  useLayoutEffect(() => {
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
        "relative overflow-auto py-2 font-mono text-[0.8125rem] leading-6",
        isCompact ? "min-h-0 flex-1 bg-surface" : "card h-[min(65vh,42rem)] min-h-72",
        isWrapped ? "[overflow-wrap:anywhere]" : "whitespace-pre",
      )}
    >
      {emptyWords !== null && <p className="px-4 py-2 font-sans text-base text-soft">{emptyWords}</p>}
      {emptyWords === null && lines.length === 0 && (
        <p className="px-4 py-2 font-sans text-base text-soft">{search.trim() === "" ? "There is no such line." : `No line holds “${search}”.`}</p>
      )}
      <LogLines lines={lines} search={search} isWrapped={isWrapped} />
    </div>
  );
}
