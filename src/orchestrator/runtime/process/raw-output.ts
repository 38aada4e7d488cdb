import type { Readable } from "node:stream";

/** What bubblewrap says of itself before the gate opens; it is not the program's output. */
export interface Complaint {
  text: string;
}

/** Takes the output of a launcher as bytes: what comes before `open` is its complaint, what comes after it the program's. */
export function rawOutput(
  pipes: { readonly stdout: Readable; readonly stderr: Readable },
  given: { readonly complaint: Complaint; readonly take: (stream: "stdout" | "stderr", pipe: Readable) => Promise<void> },
): { readonly closed: Promise<void>; open(): void } {
  const { complaint, take } = given;
  const { promise: closed, resolve, reject } = Promise.withResolvers<void>();
  const named = [
    { name: "stdout", pipe: pipes.stdout },
    { name: "stderr", pipe: pipes.stderr },
  ] as const;
  const complain = (chunk: Buffer): void => {
    complaint.text = (complaint.text + chunk.toString("latin1")).slice(0, 2000);
  };
  const closings = named.map(({ pipe }) => new Promise<void>((done) => void pipe.once("close", done)));
  let taken: readonly Promise<void>[] = [];
  Promise.all(closings)
    .then(() => Promise.all(taken))
    .then(() => resolve(), reject);
  for (const { pipe } of named) pipe.on("data", complain);
  return {
    closed,
    open: () => {
      for (const { pipe } of named) pipe.off("data", complain);
      taken = named.map(({ name, pipe }) => take(name, pipe));
    },
  };
}
