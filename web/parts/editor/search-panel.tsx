import { CaseSensitive, ChevronRight, FolderSearch, Regex, WholeWord } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { FileSearch } from "#contract/api/files.ts";
import { wordsOf } from "../../app/api.ts";
import { type SiteSearch, useSiteSearch } from "../../app/data-search.ts";
import { countText } from "../../app/formats.ts";
import { baseOf, parentOf } from "../../app/paths.ts";
import { cx } from "../class-names.ts";
import { useBench } from "./bench-context.ts";

/** Searches this long after the last key, in milliseconds. */
const settleMs = 350;
/** Files whose places are drawn at once. */
const step = 60;
const empty: SiteSearch = { query: "", regex: false, case: false, word: false, all: false };

/** Search in every text file of the site, grouped by file. */
export function SearchPanel({ isShown, onChosen }: { readonly isShown: boolean; readonly onChosen?: () => void }): ReactNode {
  const { site } = useBench();
  const [search, setSearch] = useState(empty);
  const [asked, setAsked] = useState(empty);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isShown) field.current?.focus();
  }, [isShown]);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(search), settleMs);
    return () => clearTimeout(timer);
  }, [search]);
  const found = useSiteSearch(site.name, asked);
  const toggle = (key: Exclude<keyof SiteSearch, "query">, label: string, icon: ReactNode): ReactNode => (
    <button
      type="button"
      aria-pressed={search[key]}
      aria-label={label}
      title={label}
      onClick={() => setSearch({ ...search, [key]: !search[key] })}
      className="flex size-8 items-center justify-center rounded-md text-soft hover:bg-sunken aria-pressed:bg-tint aria-pressed:text-accent [&_svg]:size-[1.125rem]"
    >
      {icon}
    </button>
  );
  return (
    <>
      <search className="border-line border-b p-2">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setAsked(search);
            if (search === asked) void found.refetch();
          }}
        >
          <input
            ref={field}
            type="search"
            aria-label="Search in the site"
            placeholder="Search in the site"
            className="control min-h-9! py-1! text-[0.875rem]! pointer-coarse:min-h-11!"
            autoComplete="off"
            spellCheck={false}
            value={search.query}
            onChange={(event) => setSearch({ ...search, query: event.target.value })}
          />
        </form>
        <div className="mt-1 flex">
          {toggle("case", "Tell upper and lower case apart", <CaseSensitive aria-hidden="true" />)}
          {toggle("word", "Whole words only", <WholeWord aria-hidden="true" />)}
          {toggle("regex", "Regular expression", <Regex aria-hidden="true" />)}
          {toggle("all", "Search in node_modules, .git and the like too", <FolderSearch aria-hidden="true" />)}
        </div>
      </search>
      <div className="min-h-0 flex-1 overflow-auto py-1">
        <p role="status" className="px-3 py-1 text-soft text-sm">
          {asked.query === "" ? "Finds words in all text files of the site." : found.error === null ? summaryOf(found.data, found.isFetching) : ""}
        </p>
        {found.error !== null && asked.query !== "" && (
          <p role="alert" className="px-3 py-1 text-bad text-sm">
            {wordsOf(found.error)}
          </p>
        )}
        {asked.query !== "" && found.data !== undefined && found.error === null && (
          <Results result={found.data} {...(onChosen === undefined ? {} : { onChosen })} />
        )}
      </div>
    </>
  );
}

const breaks = {
  matches: "That is the most that is shown; there are more.",
  files: "Not all files were searched: there are too many.",
  bytes: "Not all files were searched: they are too large together.",
  time: "Not all files were searched: it took too long.",
} as const;

function summaryOf(result: FileSearch | undefined, isFetching: boolean): string {
  if (result === undefined) return isFetching ? "Searching…" : "";
  const places = result.files.reduce((sum, { matches }) => sum + matches.length, 0);
  const more = result.truncated === null ? "" : ` ${breaks[result.truncated]}`;
  if (places === 0) return `Nothing found in ${countText(result.searched.files, "file")}.${more}`;
  return `${countText(places, "place")} in ${countText(result.files.length, "file")}.${more}`;
}

function Results({ result, onChosen }: { readonly result: FileSearch; readonly onChosen?: () => void }): ReactNode {
  const bench = useBench();
  const [limit, setLimit] = useState(step);
  return (
    <>
      <ul aria-label="Found">
        {result.files.slice(0, limit).map((file) => (
          <FileResult
            key={file.path}
            file={file}
            onMatch={(match) => {
              bench.open(file.path, match);
              onChosen?.();
            }}
          />
        ))}
      </ul>
      {result.files.length > limit && (
        <button type="button" className="px-3 py-2 font-medium text-accent text-sm hover:underline" onClick={() => setLimit(limit + step)}>
          Show more files
        </button>
      )}
    </>
  );
}

type FoundFile = FileSearch["files"][number];
type Match = FoundFile["matches"][number];

function FileResult({ file, onMatch }: { readonly file: FoundFile; readonly onMatch: (match: Match) => void }): ReactNode {
  const [isOpen, setOpen] = useState(true);
  return (
    <li>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        title={file.path}
        className="flex min-h-8 w-full items-center gap-1 px-2 text-left text-[0.875rem] hover:bg-sunken focus-visible:-outline-offset-3 pointer-coarse:min-h-10"
      >
        <ChevronRight className={cx("size-4 shrink-0 text-soft", isOpen && "rotate-90")} aria-hidden="true" />
        <span className="truncate font-medium">{baseOf(file.path)}</span>
        <span className="min-w-0 truncate text-soft text-xs">{parentOf(file.path)}</span>
        <span className="ml-auto shrink-0 rounded-full bg-sunken px-1.5 text-soft text-xs tabular-nums">{file.matches.length}</span>
      </button>
      {isOpen && (
        <ul>
          {file.matches.map((match) => (
            <li key={`${match.line}:${match.column}`}>
              <button
                type="button"
                onClick={() => onMatch(match)}
                className="flex min-h-7 w-full items-center gap-2 pr-2 pl-7 text-left font-mono text-[0.8125rem] hover:bg-sunken focus-visible:-outline-offset-3 pointer-coarse:min-h-10"
              >
                <span className="w-8 shrink-0 text-right text-soft text-xs tabular-nums">{match.line}</span>
                <span className="truncate">
                  <Marked match={match} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

/** The line with the found place marked; a little of what stands before it keeps it in sight. */
function Marked({ match }: { readonly match: Match }): ReactNode {
  const at = match.column - match.textStart;
  const from = Math.max(match.text.length - match.text.trimStart().length, at - 24);
  return (
    <>
      {from > 0 && at > from && from > match.text.length - match.text.trimStart().length ? "…" : ""}
      {match.text.slice(Math.min(from, at), at)}
      <mark className="rounded-sm bg-lamp/60 text-inherit">{match.text.slice(at, at + match.length)}</mark>
      {match.text.slice(at + match.length)}
    </>
  );
}
