import { useEffect } from "react";
import { followSites, siteEvent } from "#contract/api/sites.ts";
import { readEvents } from "#contract/events.ts";
import { api, hasCode } from "./api.ts";
import { sessionEnded } from "./connection.ts";
import { applyStatus } from "./data-sites.ts";
import { isMissed, isPolled } from "./missed-events.ts";
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
    void keepSitesLive(stop.signal);
    return () => stop.abort();
  }, []);
}

/** Follows the states of all sites until `stop`, and asks for them now and then where that is not to be had. */
export async function keepSitesLive(stop: AbortSignal): Promise<void> {
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    await untilVisible(stop);
    if (stop.aborted) return;
    // Events that came while nobody listened are made up for by reading again: once somebody listens, so that none falls between the two.
    const onOpen = (): void => {
      if (!isFirst) void queryClient.invalidateQueries({ predicate: ({ queryKey }) => isMissed(queryKey) });
    };
    // Other streams have the room of this page, or all that a person may have.
    const isFollowed = hasRoom() && (await followWhileRoom(stop, onOpen)) !== "refused";
    if (!isFollowed && !isFirst && !stop.aborted) ask();
    if (!stop.aborted) await new Promise((resolve) => setTimeout(resolve, sessionEnded.get() ? retryMs * 5 : isFollowed ? retryMs : pollMs));
  }
}

/** What is on its way already comes: on a slow line it would never, were it asked anew each time. */
function ask(): void {
  void queryClient.invalidateQueries({ predicate: ({ queryKey }) => isPolled(queryKey) }, { cancelRefetch: false });
}

async function followWhileRoom(stop: AbortSignal, onOpen: () => void): Promise<"lost" | "refused"> {
  const { signal, release } = whileRoom(stop);
  try {
    await followOnce(signal, onOpen);
    return "lost";
  } catch (error) {
    return hasCode(error, "stream_limit_reached") ? "refused" : "lost";
  } finally {
    release();
  }
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
