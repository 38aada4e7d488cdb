import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { TerminalView } from "#contract/api/terminals.ts";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../../app/api.ts";
import { may } from "../../app/data-sites.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";
import { EmptyLot } from "../empty-lot.tsx";
import { PageLoading } from "../page-loading.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { KeyBar } from "./key-bar.tsx";
import type { Screen } from "./screen.ts";
import { SearchBar } from "./search-bar.tsx";
import { endTerminal, useOpenTerminal, useTerminals } from "./terminal-data.ts";
import { TerminalPane } from "./terminal-pane.tsx";
import { TerminalTabs } from "./terminal-tabs.tsx";

interface SiteTerminalsProps {
  readonly site: SiteView;
  /** What stands at the end of the tabs. */
  readonly end?: ReactNode;
}

/** Shells in the site's sandbox, several at once; they go on while no page shows them. Fills the place it is in. */
export function SiteTerminals({ site, end }: SiteTerminalsProps): ReactNode {
  const isAllowed = may(site, "site.shell");
  const terminals = useTerminals(site.name, isAllowed);
  if (isAllowed && terminals.data !== undefined) return <Terminals key={site.name} site={site} found={terminals.data} end={end} />;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      {end !== undefined && <div className="flex justify-end">{end}</div>}
      {!isAllowed && <NotAllowed site={site} />}
      {isAllowed && terminals.error !== null && <ProblemBox title={wordsOf(terminals.error)} retry={() => void terminals.refetch()} />}
      {isAllowed && terminals.error === null && <PageLoading />}
    </div>
  );
}

function NotAllowed({ site }: { readonly site: SiteView }): ReactNode {
  const words =
    site.availability === "disabled"
      ? "An administrator has disabled this site, so nothing runs in it."
      : "A terminal can change everything in a site, so it is for its editors and owners. Ask one of the owners to make you an editor.";
  return (
    <div className="py-6">
      <EmptyLot title="No terminal for you here">
        <p className="mt-1 max-w-md text-soft">{words}</p>
      </EmptyLot>
    </div>
  );
}

interface Opened {
  readonly id: string;
  readonly number: number;
  readonly title: string | null;
  readonly isOver: boolean;
}

/** The terminals of a page, what it shows of them, and what can be done with them. */
function useOpened(site: SiteView, found: readonly TerminalView[]) {
  const [opened, setOpened] = useState<readonly Opened[]>(() => found.map(({ id, title }, index) => ({ id, number: index + 1, title, isOver: false })));
  const [shown, setShown] = useState<string | null>(found.at(-1)?.id ?? null);
  const opening = useOpenTerminal(site.name);
  const open = (): void => {
    if (opening.isPending) return;
    opening.mutate(undefined, {
      onSuccess: ({ id }) => {
        setOpened((all) => [...all, { id, number: Math.max(0, ...all.map(({ number }) => number)) + 1, title: null, isOver: false }]);
        setShown(id);
      },
    });
  };
  const close = (id: string): void => {
    const left = opened.filter((each) => each.id !== id);
    if (opened.find((each) => each.id === id)?.isOver === false)
      endTerminal(site.name, id).catch((error: unknown) => notify({ tone: "bad", text: wordsOf(error) }));
    setOpened(left);
    if (shown === id) setShown(left.at(-1)?.id ?? null);
  };
  const change = (id: string, change: Partial<Opened>): void => setOpened((all) => all.map((each) => (each.id === id ? { ...each, ...change } : each)));
  return { opened, shown, setShown, opening, open, close, change };
}

function Terminals({ site, found, end }: SiteTerminalsProps & { readonly found: readonly TerminalView[] }): ReactNode {
  const { opened, shown, setShown, opening, open, close, change } = useOpened(site, found);
  const [isSearching, setSearching] = useState(false);
  const screens = useRef(new Map<string, Screen>());
  const root = useRef<HTMLDivElement>(null);
  const leave = (): void => root.current?.querySelector<HTMLElement>("[role=tab][aria-selected=true]")?.focus();
  const onKey = useKeys({ open, search: () => setSearching(true), leave });
  useFirst(found.length === 0, open);
  const tabs = useMemo(
    () => opened.map(({ id, number, title, isOver }) => ({ id, isOver, label: title === null || title === "" ? `Terminal ${number}` : `${number}: ${title}` })),
    [opened],
  );
  const screen = (): Screen | undefined => (shown === null ? undefined : screens.current.get(shown));
  return (
    <div ref={root} className="group/terminals relative flex min-h-0 flex-1 flex-col">
      <TerminalTabs
        tabs={tabs}
        shown={shown}
        onShow={setShown}
        onClose={close}
        onNew={open}
        isOpening={opening.isPending}
        onSearch={() => setSearching(!isSearching)}
        end={end}
      />
      {opening.error !== null && (
        <div className="p-2">
          <ProblemBox title={wordsOf(opening.error)} retry={open} />
        </div>
      )}
      <div className="relative min-h-0 flex-1">
        {isSearching && shown !== null && <SearchBar screen={screen} onClose={() => setSearching(false)} />}
        {tabs.map(({ id, label }) => (
          <TerminalPane
            key={id}
            site={site.name}
            terminal={id}
            label={label}
            isShown={id === shown}
            screen={screens}
            onTitle={(title) => change(id, { title })}
            onOver={() => change(id, { isOver: true })}
            onClose={() => close(id)}
            onNew={open}
            onKey={onKey}
          />
        ))}
        {tabs.length === 0 && <NoTerminal isOpening={opening.isPending} open={open} />}
      </div>
      {shown !== null && <KeyBar screen={screen} />}
    </div>
  );
}

function NoTerminal({ isOpening, open }: { readonly isOpening: boolean; readonly open: () => void }): ReactNode {
  return (
    <div className="flex h-full flex-col items-center justify-center gap-4 p-6 text-center">
      <p className="max-w-md text-soft">A terminal is a shell beside your site's program: the same files, variables and tools, and limits of its own.</p>
      <Button variant="primary" busy={isOpening && "Opening…"} onClick={open}>
        New terminal
      </Button>
    </div>
  );
}

/** Keys that are the page's: true when one was taken. */
function useKeys(actions: { readonly open: () => void; readonly search: () => void; readonly leave: () => void }): (event: KeyboardEvent) => boolean {
  const act = useRef(actions);
  act.current = actions;
  const onKey = useRef((event: KeyboardEvent): boolean => {
    const isNew = event.altKey && !event.ctrlKey && !event.metaKey && event.code === "KeyT";
    const isSearch = event.ctrlKey && event.shiftKey && event.code === "KeyF";
    // A way out for those who have no other than the keyboard: Tab is the program's.
    const isLeaving = event.shiftKey && event.key === "Escape";
    if (!isNew && !isSearch && !isLeaving) return false;
    event.preventDefault();
    if (isNew) act.current.open();
    if (isSearch) act.current.search();
    if (isLeaving) act.current.leave();
    return true;
  }).current;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (!event.defaultPrevented) onKey(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [onKey]);
  return onKey;
}

/** Whoever comes for a terminal and has none gets one. */
function useFirst(isWanted: boolean, open: () => void): void {
  const isDone = useRef(false);
  useEffect(() => {
    if (!isWanted || isDone.current) return;
    isDone.current = true;
    open();
  });
}
