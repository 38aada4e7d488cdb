import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TerminalOrder } from "#contract/terminal.ts";
import { type LinkState, type Socket, TerminalLink } from "./terminal-link.ts";

class FakeSocket implements Socket {
  binaryType: Socket["binaryType"] = "blob";
  readyState: 0 | 1 | 2 | 3 = 1;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly from: number;
  readonly orders: TerminalOrder[] = [];
  typed = "";

  constructor(from: number) {
    this.from = from;
  }

  send(data: Parameters<Socket["send"]>[0]): void {
    if (typeof data === "string") this.orders.push(JSON.parse(data) as TerminalOrder);
    else if (data instanceof Uint8Array) this.typed += new TextDecoder().decode(data.subarray(1));
  }

  say(event: Readonly<Record<string, unknown>>): void {
    this.#emit(JSON.stringify(event));
  }

  output(text: string): void {
    this.#emit(new TextEncoder().encode(`\0${text}`).buffer);
  }

  close(): void {
    this.readyState = 3;
    // What hears of it asks for nothing of the socket.
    (this.onclose as (() => void) | null)?.();
  }

  #emit(data: unknown): void {
    (this.onmessage as ((message: MessageEvent) => void) | null)?.(new MessageEvent("message", { data }));
  }
}

let sockets: FakeSocket[];
let states: LinkState["kind"][];
let shown: string;
let repeated: string;
let begun: boolean[];
let isThere: "there" | "gone" | "forbidden" | "away";
let link: TerminalLink;

beforeEach(() => {
  vi.useFakeTimers();
  [sockets, states, shown, repeated, begun, isThere] = [[], [], "", "", [], "there"];
  link = new TerminalLink({
    connect: (from) => {
      sockets.push(new FakeSocket(from));
      return last();
    },
    find: async () => {
      if (isThere === "away") throw new Error("nobody answers");
      return isThere;
    },
    show: (bytes, { isRepeated, drawn }) => {
      shown += new TextDecoder().decode(bytes);
      if (isRepeated) repeated += new TextDecoder().decode(bytes);
      drawn();
    },
    begin: (skips) => void begun.push(skips),
    onState: (state) => void states.push(state.kind),
  });
});
afterEach(() => {
  link.stop();
  vi.useRealTimers();
});

function last(): FakeSocket {
  const socket = sockets.at(-1);
  if (socket === undefined) throw new Error("nothing was connected");
  return socket;
}

test("after a break it goes on at the byte where it was, without drawing anything twice", async () => {
  last().say({ type: "attached", offset: 0, skipped: false, end: 5 });
  last().output("hello");
  last().output(" world");
  expect([shown, repeated, begun]).toEqual(["hello world", "hello", [false]]);
  last().close();
  expect(states.at(-1)).toBe("lost");
  await vi.advanceTimersByTimeAsync(300);
  expect(last().from).toBe(11);
  last().say({ type: "attached", offset: 11, skipped: false, end: 11 });
  last().output("!");
  expect([shown, begun, states.at(-1)]).toEqual(["hello world!", [false], "open"]);
});

test("it begins anew when what it missed is gone", async () => {
  last().say({ type: "attached", offset: 0, skipped: false, end: 0 });
  last().output("old");
  last().close();
  await vi.advanceTimersByTimeAsync(300);
  last().say({ type: "attached", offset: 900, skipped: true, end: 900 });
  expect(begun).toEqual([false, true]);
});

test("it says what it has drawn, and its size at every connection", async () => {
  link.resize({ cols: 100, rows: 30 });
  last().say({ type: "attached", offset: 0, skipped: false, end: 0 });
  last().output("x".repeat(70_000));
  expect(last().orders).toEqual([
    { type: "resize", cols: 100, rows: 30 },
    { type: "taken", offset: 0 },
    { type: "resize", cols: 100, rows: 30 },
    { type: "taken", offset: 70_000 },
  ]);
});

test.each([
  ["gone", "closed"],
  ["forbidden", "closed"],
] as const)("a terminal that is %s is not asked for again", async (found, state) => {
  last().say({ type: "attached", offset: 0, skipped: false, end: 0 });
  isThere = found;
  last().close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([sockets.length, states.at(-1)]).toEqual([1, state]);
});

test("while nobody answers it tries again and again, more and more rarely", async () => {
  isThere = "away";
  for (let round = 0; round < 12; round += 1) {
    last().close();
    await vi.advanceTimersByTimeAsync(5_000);
  }
  expect(sockets).toHaveLength(13);
});

test.each([
  { type: "exit", code: 3, signal: null },
  { type: "closed", reason: "idle" },
])("after $type it does not come back", async (event) => {
  last().say({ type: "attached", offset: 0, skipped: false, end: 0 });
  last().say(event);
  await vi.advanceTimersByTimeAsync(60_000);
  expect([sockets.length, states.at(-1)]).toEqual([1, event.type === "exit" ? "ended" : "closed"]);
});

test("what is typed goes out as bytes", () => {
  last().say({ type: "attached", offset: 0, skipped: false, end: 0 });
  link.type(new TextEncoder().encode("ls\r"));
  expect(last().typed).toBe("ls\r");
});
