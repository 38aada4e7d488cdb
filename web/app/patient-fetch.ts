/** How long to wait before a lost request is sent again, in milliseconds: browsers drop what they load when a network comes or goes. */
const pausesMs = [250, 1_000] as const;

/** A fetch that sends reading requests again when no answer came; whatever changes something is sent once, as it may have arrived. */
export function patientFetch(
  send: typeof fetch,
  pause: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): typeof fetch {
  return async (input, init) => {
    const isReading = (init?.method ?? "GET") === "GET";
    for (const ms of isReading ? pausesMs : []) {
      try {
        return await send(input, init);
      } catch (error) {
        // Only what the browser could not load is a TypeError.
        if (!(error instanceof TypeError) || init?.signal?.aborted === true) throw error;
        await pause(ms);
        init?.signal?.throwIfAborted();
      }
    }
    return send(input, init);
  };
}
