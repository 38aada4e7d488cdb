import { useEffect, useRef } from "react";
import { followChanges, type SiteChange, siteChange } from "#contract/api/files.ts";
import { readEvents } from "#contract/events.ts";
import { api } from "../api.ts";
import { whileStreaming } from "../stream-room.ts";
import { untilVisible } from "../visibility.ts";

/** Most folders that one stream tells of. */
const maxFolders = 64;
const retryMs = 4_000;
/** Opening several folders in a row asks for one new stream, in milliseconds. */
const settleMs = 250;

/** Told of changes in folders, the first ones first where there are too many, by whomever; `open` comes whenever something may have been missed before. */
export function useLiveChanges(site: string, folders: readonly string[], told: (change: SiteChange) => void): void {
  const latest = useRef(told);
  useEffect(() => {
    latest.current = told;
  });
  const followed = JSON.stringify([...new Set(folders)].slice(0, maxFolders).toSorted());
  useEffect(() => {
    const stop = new AbortController();
    const wanted = JSON.parse(followed) as readonly string[];
    const timer = setTimeout(() => void keepFollowing({ site, folders: wanted, stop: stop.signal, told: (change) => latest.current(change) }), settleMs);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [site, followed]);
}

interface Following {
  readonly site: string;
  readonly folders: readonly string[];
  readonly stop: AbortSignal;
  readonly told: (change: SiteChange) => void;
}

async function keepFollowing(following: Following): Promise<void> {
  const { stop } = following;
  while (!stop.aborted) {
    await untilVisible(stop);
    if (stop.aborted) return;
    const { signal, release } = whileStreaming(stop);
    try {
      await followOnce(following, signal);
    } catch {
      // Lost or refused: the next attempt tells, and coming back to the page asks for everything anyway.
    } finally {
      release();
    }
    if (!stop.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function followOnce({ site, folders, told }: Following, signal: AbortSignal): Promise<void> {
  const response = await api.fetch(followChanges, { params: { name: site }, query: { folder: folders }, signal });
  if (response.body === null) return;
  for await (const { data } of readEvents(response.body)) {
    if (signal.aborted) return;
    told(siteChange.parse(JSON.parse(data)));
  }
}
