/** How long to wait before code that did not come is asked for again, in milliseconds. */
const pausesMs = [500, 2_000] as const;

/** A part of the page's code did not come. */
export class LostCode extends Error {}

/** Loads a part of the page's code, and asks again where it was lost on the way. */
export async function lateCode<T>(
  load: () => Promise<T>,
  pause: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<T> {
  for (const ms of pausesMs) {
    try {
      return await load();
    } catch {
      // Told of when the last attempt fails too.
      await pause(ms);
    }
  }
  return load().catch((cause: unknown) => {
    throw new LostCode("a part of the page did not come", { cause });
  });
}
