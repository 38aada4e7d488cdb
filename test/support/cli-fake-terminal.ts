import { PassThrough } from "node:stream";
import type { Terminal } from "#cli/terminal.ts";

/** A terminal whose every character can be read back. */
export interface FakeTerminal extends Terminal {
  readonly keyboard: PassThrough;
  outText(): string;
  errText(): string;
  outBytes(): Buffer;
  /** Presses Ctrl-C; false when nobody listens: the process would end. */
  interrupt(): boolean;
}

/** A terminal without a person; `isTty` makes it look like one with, `isOutPiped` like one whose results go on into a pipe. */
export function fakeTerminal(options: { readonly isTty?: boolean; readonly isOutPiped?: boolean; readonly piped?: string } = {}): FakeTerminal {
  const isTty = options.isTty === true;
  const keyboard = new PassThrough();
  if (options.piped !== undefined) keyboard.end(options.piped);
  const out: Buffer[] = [];
  let err = "";
  const listeners = new Set<() => void>();
  return {
    keyboard,
    // The commands read it as a stream; what only a real keyboard has (raw mode) they leave to readline.
    input: keyboard as unknown as NodeJS.ReadStream,
    isInputTty: isTty,
    isOutTty: isTty && !options.isOutPiped,
    isErrTty: isTty,
    columns: 100,
    out: async (chunk) => void out.push(Buffer.from(chunk)),
    err: (text) => {
      err += text;
    },
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    interrupt: () => {
      for (const listener of [...listeners]) listener();
      return listeners.size > 0;
    },
    outText: () => Buffer.concat(out).toString("utf8"),
    errText: () => err,
    outBytes: () => Buffer.concat(out),
  };
}
