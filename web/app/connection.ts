import { createStore } from "./store.ts";

/** Whether Backlot answers at all, as far as the last request told. */
export const connection = createStore<"there" | "away">("there");
/** Whether the session ended while a page was open. The page stays, so that nothing typed is lost. */
export const sessionEnded = createStore(false);

/** Waits until the person has signed in again where the session had ended. */
export function untilSignedIn(): Promise<void> {
  if (!sessionEnded.get()) return Promise.resolve();
  return new Promise((resolve) => {
    const leave = sessionEnded.subscribe(() => {
      if (sessionEnded.get()) return;
      leave();
      resolve();
    });
  });
}

const retryMs = 3000;
/** A single lost request is asked again this soon before anything is said of it. */
const secondLookMs = 600;
let timer: ReturnType<typeof setTimeout> | undefined;

/** The browser's fetch, which also notes whether an answer came. */
export const watchedFetch: typeof fetch = async (input, init) => {
  try {
    const response = await fetch(input, init);
    reportAnswer(isFromBacklot(response.status, response.headers.get("content-type")));
    return response;
  } catch (error) {
    if (init?.signal?.aborted !== true) reportAnswer(false);
    throw error;
  }
};

/** A gateway's 502, 503 or 504 means nobody is there; a problem document is Backlot itself speaking. */
export function isFromBacklot(status: number, contentType: string | null): boolean {
  return status < 502 || status > 504 || contentType?.startsWith("application/problem+json") === true;
}

/** Asks once more whether Backlot answers. */
export async function retryConnection(): Promise<void> {
  clearTimeout(timer);
  timer = undefined;
  isDoubtful = true;
  // Any answer will do, a 401 too.
  await watchedFetch("/api/v1/session", { cache: "no-store" }).catch(() => undefined);
}

let isDoubtful = false;

function reportAnswer(isThere: boolean): void {
  if (isThere) {
    isDoubtful = false;
    connection.set("there");
    return;
  }
  if (isDoubtful) connection.set("away");
  timer ??= setTimeout(() => void retryConnection(), isDoubtful ? retryMs : secondLookMs);
}
