import type { ServerChannel } from "ssh2";
import type { WebSocket } from "ws";
import { Failure } from "#contract/failure.ts";
import { runInSite } from "#contract/internal/terminals.ts";
import { type TerminalOrder, type TerminalSize, type TerminalStart, terminalChannels, terminalEvent, terminalSignals } from "#contract/terminal.ts";
import { openSocket } from "#kit/http/socket-client.ts";
import { bytesOf, sendStream } from "#kit/http/socket-flow.ts";
import type { SignedIn } from "./door-deps.ts";
import type { Outflow } from "./outflow.ts";
import { closingText } from "./program-words.ts";

/** A program to run for a channel of SSH. */
export interface ProgramRequest {
  readonly channel: ServerChannel;
  readonly person: SignedIn;
  readonly siteId: number;
  readonly start: TerminalStart;
  readonly orchestratorUrl: string;
  readonly outflow: Outflow;
}

/** A program that runs; what the client says besides bytes goes to it. */
export interface SiteProgram {
  resize(size: TerminalSize): void;
  signal(name: string): void;
}

/** Runs a command or a shell in a site, with the channel as its terminal or its pipes. What goes wrong is told on the channel. */
export async function runProgram(request: ProgramRequest): Promise<SiteProgram | null> {
  const { channel, person, siteId, start } = request;
  const gone = new AbortController();
  channel.once("close", () => gone.abort(new Error("the channel was closed")));
  let socket: WebSocket;
  try {
    // What somebody else's change has made old is asked for anew, once.
    const at = () => ({ baseUrl: person.door.orchestratorOf(siteId, request.orchestratorUrl), peer: "orchestrator", token: () => person.door.grant(siteId) });
    const open = (): Promise<WebSocket> => openSocket(at(), runInSite, { params: { siteId }, signal: AbortSignal.any([gone.signal, person.door.signal]) });
    socket = await open().catch(async (error: unknown) => {
      if (!(error instanceof Failure) || error.code !== "grant_refused") throw error;
      await person.door.grant(siteId, { isFresh: true });
      return open();
    });
  } catch (error) {
    if (gone.signal.aborted) return null;
    if (!(error instanceof Failure)) throw error;
    say(channel, error.message);
    finish(channel, 1);
    return null;
  }
  const order = (given: TerminalOrder): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(given));
  };
  order(start);
  connect({ socket, channel, outflow: request.outflow, order, hasTerminal: start.size !== null });
  socket.resume();
  return {
    resize: (size) => order({ type: "resize", ...size }),
    signal: (name) => {
      const known = terminalSignals.find((each) => each === name.replace(/^SIG/, ""));
      if (known !== undefined) order({ type: "signal", name: known });
    },
  };
}

interface Connection {
  readonly socket: WebSocket;
  readonly channel: ServerChannel;
  readonly outflow: Outflow;
  readonly order: (given: TerminalOrder) => void;
  readonly hasTerminal: boolean;
}

function connect({ socket, channel, outflow, order, hasTerminal }: Connection): void {
  let hasEnded = false;
  const end = (status: number | string, text?: string): void => {
    if (hasEnded) return;
    hasEnded = true;
    if (text !== undefined) say(channel, text);
    finish(channel, status);
    socket.close();
  };
  const hold = outflow.holder(socket);
  socket.on("message", (data, isBinary) => {
    const bytes = bytesOf(data);
    if (isBinary) {
      const stream = bytes[0] === terminalChannels.stderr ? channel.stderr : channel;
      if (!hasEnded && bytes.length > 1) hold(stream, stream.write(bytes.subarray(1)));
      return;
    }
    const event = terminalEvent.parse(JSON.parse(bytes.toString("utf8")));
    if (event.type === "exit") end(event.signal ?? event.code ?? 1);
    else if (event.type === "failed") end(1, event.title);
    else if (event.type === "closed") end(1, closingText(event.reason));
  });
  socket.once("close", () => end(1, "The connection to the site was lost."));
  void sendStream(socket, channel, (bytes) => Buffer.concat([Buffer.from([terminalChannels.data]), bytes]));
  channel.resume();
  if (!hasTerminal) channel.once("end", () => order({ type: "eof" }));
}

/** A line for the person, beside what programs print. */
export function say(channel: ServerChannel, text: string): void {
  if (channel.stderr.writable) channel.stderr.write(`${text}\r\n`);
}

/** Ends a channel with an exit status, or the name of a signal, once everything before it is out. */
export function finish(channel: ServerChannel, status: number | string): void {
  if (typeof status === "number") channel.exit(status);
  else channel.exit(signalName(status));
  channel.stderr.end(() => channel.end());
}

// RFC 4254 knows these; any other is told as one of them.
const knownSignals = ["ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"];

function signalName(signal: string): string {
  const name = signal.toUpperCase().replace(/^SIG/, "");
  return knownSignals.includes(name) ? name : "TERM";
}
