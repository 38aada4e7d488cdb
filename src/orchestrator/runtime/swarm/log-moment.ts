import type { FrameEdges } from "./multiplexed.ts";

/** A moment in a container's log as the engine takes it: seconds since 1970 and billionths, `1700000000.000000001`. */
export type LogMoment = string;

export const beginningOfLog: LogMoment = "0.000000000";

const billion = 1_000_000_000n;

/** Of milliseconds since 1970. */
export function momentOf(ms: number): LogMoment {
  return textOf(BigInt(Math.round(ms)) * 1_000_000n);
}

/** The moment after a line's, which the engine writes before it: `2026-11-22T19:33:49.123456789Z`. What it is no line of gives the beginning. */
export function momentAfter(stamp: string): LogMoment {
  const [, seconds = "", fraction = "", zone = "Z"] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(stamp) ?? [];
  const ms = Date.parse(`${seconds}${zone}`);
  if (!Number.isFinite(ms)) return beginningOfLog;
  return textOf((BigInt(ms) / 1000n) * billion + BigInt(fraction.padEnd(9, "0")) + 1n);
}

export function isLogMoment(text: unknown): text is LogMoment {
  return typeof text === "string" && /^\d{1,12}\.\d{9}$/.test(text);
}

function textOf(nanoseconds: bigint): LogMoment {
  return `${nanoseconds / billion}.${String(nanoseconds % billion).padStart(9, "0")}`;
}

type Stream = "stdout" | "stderr";
/** `stamp`: of the line that this ends; null before its end. */
type TakeText = (stream: Stream, text: Buffer, stamp: string | null) => Promise<void>;

/** Takes the moment off what the engine sends with one before each line. */
export class StampedFrames {
  readonly #onText: TakeText;
  #stamp = "";
  #isInStamp = true;

  constructor(onText: TakeText) {
    this.#onText = onText;
  }

  async take(stream: Stream, chunk: Buffer, { isFirst, isLast }: FrameEdges): Promise<void> {
    if (isFirst) [this.#stamp, this.#isInStamp] = ["", true];
    let text = chunk;
    if (this.#isInStamp) {
      const space = chunk.indexOf(0x20);
      this.#stamp += chunk.subarray(0, space === -1 ? chunk.length : space).toString("latin1");
      if (space === -1) return;
      this.#isInStamp = false;
      text = chunk.subarray(space + 1);
    }
    if (text.length > 0) await this.#onText(stream, text, isLast ? this.#stamp : null);
  }
}
