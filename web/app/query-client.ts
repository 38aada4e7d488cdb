import { QueryClient } from "@tanstack/react-query";
import { Failure } from "#contract/failure.ts";
import { connection, sessionEnded } from "./connection.ts";

/** Refusals stay refusals; only an absent server is worth another try. */
function retry(failureCount: number, error: unknown): boolean {
  return failureCount < 2 && error instanceof Failure && error.status >= 502;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry, staleTime: 5_000, refetchOnWindowFocus: true, networkMode: "always" },
    mutations: { networkMode: "always" },
  },
});

let last = connection.get();
connection.subscribe(() => {
  const now = connection.get();
  if (last === "away" && now === "there") void queryClient.invalidateQueries();
  last = now;
});

// Signed in again, here or in another window: what was refused meanwhile is asked for once more.
sessionEnded.subscribe(() => {
  if (!sessionEnded.get()) void queryClient.invalidateQueries();
});
