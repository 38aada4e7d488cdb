import { PassThrough } from "node:stream";
import type { Terminal } from "#cli/terminal.ts";

/** A terminal whose every character can be read back. */
export interface FakeTerminal extends Terminal {
  readonly keyboard: PassThrough;
  outText(): string;
  errText(): string;
  outBytes(): Buffer;
}

/** A terminal without a person; `isTty` makes it look like one with. */
export function fakeTerminal(options: { readonly isTty?: boolean; readonly piped?: string } = {}): FakeTerminal {
  const isTty = options.isTty === true;
  const keyboard = new PassThrough();
  if (options.piped !== undefined) keyboard.end(options.piped);
  const out: Buffer[] = [];
  let err = "";
  return {
    keyboard,
    // The commands read it as a stream; what only a real keyboard has (raw mode) they leave to readline.
    input: keyboard as unknown as NodeJS.ReadStream,
    isInputTty: isTty,
    isOutTty: isTty,
    isErrTty: isTty,
    columns: 100,
    out: async (chunk) => void out.push(Buffer.from(chunk)),
    err: (text) => {
      err += text;
    },
    outText: () => Buffer.concat(out).toString("utf8"),
    errText: () => err,
    outBytes: () => Buffer.concat(out),
  };
}
