import { useEffect } from "react";
import { followSites, siteEvent } from "#contract/api/sites.ts";
import { readEvents } from "#contract/events.ts";
import { api } from "./api.ts";
import { sessionEnded } from "./connection.ts";
import { applyStatus } from "./data-sites.ts";
import { isMissed } from "./missed-events.ts";
import { queryClient } from "./query-client.ts";
import { hasRoom, whileRoom } from "./stream-room.ts";
import { untilVisible } from "./visibility.ts";

const retryMs = 2000;
/** How often it is asked where nothing may be followed. */
const pollMs = 4000;

/** Keeps every shown site's state live as long as the page is in front. */
export function useLiveSites(): void {
  useEffect(() => {
    const stop = new AbortController();
    void keepFollowing(stop.signal);
    return () => stop.abort();
  }, []);
}

async function keepFollowing(stop: AbortSignal): Promise<void> {
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    await untilVisible(stop);
    if (stop.aborted) return;
    // Events that came while nobody listened are made up for by reading again: once somebody listens, so that none falls between the two.
    const onOpen = (): void => {
      if (!isFirst) void queryClient.invalidateQueries({ predicate: ({ queryKey }) => isMissed(queryKey) });
    };
    const isFollowed = hasRoom();
    // Other streams of the page have its room: what would be told is asked for now and then.
    if (isFollowed) await followWhileRoom(stop, onOpen);
    else onOpen();
    if (!stop.aborted) await new Promise((resolve) => setTimeout(resolve, sessionEnded.get() ? retryMs * 5 : isFollowed ? retryMs : pollMs));
  }
}

async function followWhileRoom(stop: AbortSignal, onOpen: () => void): Promise<void> {
  const { signal, release } = whileRoom(stop);
  await followOnce(signal, onOpen).catch(() => undefined);
  release();
}

async function followOnce(signal: AbortSignal, onOpen: () => void): Promise<void> {
  const response = await api.fetch(followSites, { signal });
  if (response.body === null) return;
  onOpen();
  for await (const { data } of readEvents(response.body)) {
    const { site, status } = siteEvent.parse(JSON.parse(data));
    applyStatus(site, status);
  }
}
