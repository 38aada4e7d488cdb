import { randomUUID } from "node:crypto";
import type { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { Failure } from "#contract/failure.ts";
import { terminalFrame } from "#contract/terminal.ts";
import type { MockHandler } from "./mock-call.ts";

interface MockTerminal {
  readonly id: string;
  readonly site: string;
  readonly startedAt: string;
  readonly sockets: Set<WebSocket>;
  shown: string;
  line: string;
}

const terminals = new Map<string, MockTerminal>();
const most = 6;

const viewOf = ({ id, startedAt, sockets }: MockTerminal) => ({
  id,
  startedAt,
  usedAt: startedAt,
  size: { cols: 80, rows: 24 },
  title: null,
  isAttached: sockets.size > 0,
});

/** A pretended shell: it knows a few commands, and colours. */
export const mockTerminalHandlers: Readonly<Record<string, MockHandler>> = {
  "terminals.list": ({ params }) => ({ terminals: [...terminals.values()].filter(({ site }) => site === params.name).map(viewOf) }),
  "terminals.open": ({ params }) => {
    if (terminals.size >= most) throw new Failure("terminal_limit_reached", { count: most });
    const site = params.name ?? "";
    const terminal: MockTerminal = { id: randomUUID(), site, startedAt: new Date().toISOString(), sockets: new Set(), shown: "", line: "" };
    terminals.set(terminal.id, terminal);
    print(terminal, prompt(terminal));
    return { terminal: viewOf(terminal) };
  },
  "terminals.close": ({ params }) => end(params.terminal ?? "", { type: "closed", reason: "closed" }),
  "terminals.attach": () => {
    throw new Failure("socket_expected");
  },
};

/** Has a server take the sockets of pretended terminals; others' upgrades are left alone. */
export function acceptTerminals(server: Pick<EventEmitter, "on">): void {
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? "/", "http://mock");
    const id = /^\/api\/v1\/sites\/[^/]+\/terminals\/([^/]+)\/socket$/.exec(url.pathname)?.[1];
    if (id === undefined) return;
    const terminal = terminals.get(id);
    if (terminal === undefined) socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    else sockets.handleUpgrade(request, socket, head, (opened) => attach(terminal, opened, Number(url.searchParams.get("from") ?? 0)));
  });
}

function attach(terminal: MockTerminal, socket: WebSocket, from: number): void {
  const bytes = Buffer.from(terminal.shown);
  socket.send(JSON.stringify({ type: "attached", offset: from, skipped: false, end: bytes.length }));
  socket.send(terminalFrame("data", bytes.subarray(from)));
  terminal.sockets.add(socket);
  socket.on("close", () => terminal.sockets.delete(socket));
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary) for (const letter of data.subarray(1).toString()) take(terminal, letter);
  });
}

function take(terminal: MockTerminal, letter: string): void {
  if (letter === "\r") {
    const line = terminal.line.trim();
    terminal.line = "";
    print(terminal, `\r\n${answerOf(terminal, line)}`);
    if (line === "exit") end(terminal.id, { type: "exit", code: 0, signal: null });
    else print(terminal, prompt(terminal));
  } else if (letter === "\u0003") {
    terminal.line = "";
    print(terminal, `^C\r\n${prompt(terminal)}`);
  } else if (letter === "\u007f") {
    if (terminal.line !== "") print(terminal, "\b \b");
    terminal.line = terminal.line.slice(0, -1);
  } else if (letter >= " ") {
    terminal.line += letter;
    print(terminal, letter);
  }
}

function answerOf({ site }: MockTerminal, line: string): string {
  if (line === "" || line === "exit") return "";
  if (line === "ls") return "\u001b[1;34mprivate\u001b[0m  \u001b[1;34mpublic\u001b[0m  \u001b[1;32mrun.sh\u001b[0m\r\n";
  if (line === "colours")
    return `${[1, 2, 3, 4, 5, 6, 7].map((each) => `\u001b[3${each}mcolour ${each}\u001b[0m \u001b[9${each}mbright ${each}\u001b[0m`).join("\r\n")}\r\n`;
  if (line.startsWith("echo ")) return `${line.slice(5)}\r\n`;
  if (line.startsWith("title ")) return `\u001b]0;${line.slice(6)}\u0007`;
  return `${site}: ${line.split(" ")[0]}: command not found\r\n`;
}

const prompt = ({ site }: MockTerminal): string => `\u001b[1;32m${site}\u001b[0m:\u001b[1;34m/site\u001b[0m$ `;

function print(terminal: MockTerminal, text: string): void {
  terminal.shown += text;
  for (const socket of terminal.sockets) socket.send(terminalFrame("data", Buffer.from(text)));
}

function end(id: string, event: Readonly<Record<string, unknown>>): undefined {
  const terminal = terminals.get(id);
  terminals.delete(id);
  for (const socket of terminal?.sockets ?? []) {
    socket.send(JSON.stringify(event));
    socket.close(1000);
  }
  return undefined;
}
