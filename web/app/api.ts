import { type Client, createClient } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { sessionEnded, watchedFetch } from "./connection.ts";
import { patientFetch } from "./patient-fetch.ts";

const client = createClient({ baseUrl: "", fetch: patientFetch(watchedFetch) });

function noteEnd(error: unknown): never {
  if (error instanceof Failure && error.code === "not_signed_in") sessionEnded.set(true);
  throw error;
}

/** Calls the manager as the person who is signed in; notes when the session has ended. */
export const api: Client = {
  call: (shape, input) => client.call(shape, input).catch(noteEnd),
  fetch: (shape, input) => client.fetch(shape, input).catch(noteEnd),
};

/** The same without that note: for the sign-in itself. */
export const guestApi: Client = client;

/** What to tell a person about anything that was thrown. */
export function wordsOf(error: unknown): string {
  // The API's own words also speak to programs, of tokens.
  if (hasCode(error, "not_signed_in")) return "You were signed out meanwhile. Sign in, then try again.";
  if (error instanceof Failure) return error.message;
  return "Something went wrong in this page. Reload it and try again.";
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Failure && codes.includes(error.code);
}
