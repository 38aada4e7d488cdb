import { z } from "zod";
import type { RunView } from "#contract/internal/runs.ts";
import { timestamp } from "#contract/site.ts";
import { runEnd } from "#contract/task.ts";

/**
 * What is kept of a stream: its first `headBytes`, and the `tailBytes` from the offset `tailOffset` on. Between them the file has
 * `markBytes` of ours, where bytes were left out. Offsets count what the program wrote.
 */
export const keptStream = z.object({ bytes: z.int(), headBytes: z.int(), markBytes: z.int(), tailOffset: z.int(), tailBytes: z.int() });
export type KeptStream = z.output<typeof keptStream>;
export const emptyStream: KeptStream = { bytes: 0, headBytes: 0, markBytes: 0, tailOffset: 0, tailBytes: 0 };

/** A run on disk. It is there before anything of the run happens; `starting` or `running` in a file of an orchestrator that is gone means lost. */
export const runRecord = z.object({
  uid: z.uuid(),
  attempt: z.int(),
  siteId: z.int().nullable(),
  state: z.enum(["starting", "running", "ended"]),
  process: z.object({ pid: z.int(), startTime: z.string() }).nullable(),
  outputBytes: z.int(),
  startedAt: timestamp.nullable(),
  finishedAt: timestamp.nullable(),
  end: runEnd.nullable(),
  code: z.int().nullable(),
  signal: z.string().nullable(),
  message: z.string().nullable(),
  diskBeforeBytes: z.int().nullable(),
  diskAfterBytes: z.int().nullable(),
  cpuMs: z.int().nullable(),
  peakMemoryBytes: z.int().nullable(),
  stdout: keptStream,
  stderr: keptStream,
});
export type RunRecord = z.output<typeof runRecord>;

/** The record of a run that is about to start. */
export function newRecord(given: Pick<RunRecord, "uid" | "attempt" | "siteId" | "outputBytes">): RunRecord {
  return {
    ...given,
    state: "starting",
    process: null,
    startedAt: null,
    finishedAt: null,
    end: null,
    code: null,
    signal: null,
    message: null,
    diskBeforeBytes: null,
    diskAfterBytes: null,
    cpuMs: null,
    peakMemoryBytes: null,
    stdout: emptyStream,
    stderr: emptyStream,
  };
}

/** A run as others are told of it. */
export function viewOf(record: RunRecord): RunView {
  const { siteId: _siteId, process: _process, outputBytes: _outputBytes, state, stdout, stderr, ...rest } = record;
  return {
    ...rest,
    state: state === "ended" ? "ended" : "running",
    stdoutBytes: stdout.bytes,
    stderrBytes: stderr.bytes,
    isOutputCut: isCut(stdout) || isCut(stderr),
  };
}

function isCut(stream: KeptStream): boolean {
  return stream.headBytes + stream.tailBytes < stream.bytes;
}
