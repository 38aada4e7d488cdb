import { z } from "zod";

// What goes over a socket between somebody who types and a program in a site's sandbox: one protocol for the dashboard's terminal and for SSH.
//
// A binary message is a channel's byte and then the bytes themselves. A text message is one JSON object, `terminalOrder` towards the
// program, `terminalEvent` from it. Bytes are never text: a character may be split between two messages.

/** The first byte of a binary message. Towards the program there is only `data`: what is typed, or its standard input. */
export const terminalChannels = { data: 0, stderr: 1 } as const;

/** Columns and rows of a terminal, in characters. */
export const terminalSize = z.object({ cols: z.int().min(1).max(1000), rows: z.int().min(1).max(1000) });
export type TerminalSize = z.output<typeof terminalSize>;

/** Signals that SSH clients may ask for, by RFC 4254's names. */
export const terminalSignals = ["HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2"] as const;

/** Variables that a client may bring along; everything else is refused or ignored. */
export const terminalEnvironment = z.record(z.string().regex(/^(?:LANG|LC_[A-Z]+|TERM|COLORTERM|NO_COLOR)$/), z.string().max(200));

/** What to start: a shell when there is no command; a terminal when it has a size, else pipes. */
export const terminalStart = z.object({
  type: z.literal("start"),
  command: z
    .string()
    .max(64 * 1024)
    .nullable(),
  size: terminalSize.nullable(),
  environment: terminalEnvironment.default({}),
});
export type TerminalStart = z.output<typeof terminalStart>;

/** What a client says besides bytes. */
export const terminalOrder = z.discriminatedUnion("type", [
  /** The first message of an `exec` socket, and only there. */
  terminalStart,
  terminalSize.extend({ type: z.literal("resize") }),
  z.object({ type: z.literal("signal"), name: z.enum(terminalSignals) }),
  /** No more input will come; only for programs without a terminal. */
  z.object({ type: z.literal("eof") }),
  /**
   * All output before this place was taken. A browser cannot hold back a socket: whoever says this once is sent no more than
   * `terminalWindowBytes` beyond it.
   */
  z.object({ type: z.literal("taken"), offset: z.int().nonnegative() }),
]);
export type TerminalOrder = z.output<typeof terminalOrder>;

/** How many bytes a client that tells what it has taken is ahead of at most. */
export const terminalWindowBytes = 1024 * 1024;

/** Why a terminal ended without its program's doing. */
export const terminalClosings = ["idle", "too_long", "access_changed", "closed", "site_full", "platform_stopping", "slow_reader"] as const;
export type TerminalClosing = (typeof terminalClosings)[number];

/** What a program's side says besides bytes. */
export const terminalEvent = z.discriminatedUnion("type", [
  /**
   * The first message; it comes again when somebody was so slow that they miss something. `offset`: how many bytes of output came before what follows; `skipped`: the ones asked for are gone from the
   * scroll-back. What comes before `end` was shown before: whatever it asks of a terminal was answered then.
   */
  z.object({ type: z.literal("attached"), offset: z.int().nonnegative(), skipped: z.boolean(), end: z.int().nonnegative().default(0) }),
  /** The program ended, and all that it printed was sent. Null when a signal ended it. */
  z.object({ type: z.literal("exit"), code: z.int().nullable(), signal: z.string().nullable() }),
  z.object({ type: z.literal("closed"), reason: z.enum(terminalClosings) }),
  /** Only of `exec`: nothing was started. A code of the table of failures, and its title. */
  z.object({ type: z.literal("failed"), code: z.string(), title: z.string() }),
]);
export type TerminalEvent = z.output<typeof terminalEvent>;

/** A binary message: the channel's byte, then the bytes. */
export function terminalFrame(channel: keyof typeof terminalChannels, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = terminalChannels[channel];
  frame.set(bytes, 1);
  return frame;
}
