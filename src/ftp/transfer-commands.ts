import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { withNetworkLines, withSystemLines } from "./ascii.ts";
import { Refusal } from "./failure-reply.ts";
import { existingFile, inside, personOf, writable } from "./find-target.ts";
import { listedFolder, listedIn } from "./listed.ts";
import { factLine, listLine, nameLine } from "./listing.ts";
import { type Carry, runTransfer } from "./run-transfer.ts";
import type { CommandHandler, SessionCore, Transfer } from "./session-core.ts";

/** A client that was killed closes both its connections, the data connection perhaps first: so long its end is not believed. */
const afterglowMs = 30;

/** Files and listings over a data connection. */
export const transferCommands: Readonly<Record<string, CommandHandler>> = {
  LIST: async (core, argument) =>
    runTransfer(core, "LIST", async () => {
      const now = Date.now();
      const { name } = personOf(core);
      return text((await listedIn(core, withoutFlags(argument))).map((listed) => listLine(listed, name, now)).join(""));
    }),
  NLST: async (core, argument) => runTransfer(core, "NLST", async () => text((await listedIn(core, withoutFlags(argument))).map(nameLine).join(""))),
  MLSD: async (core, argument) =>
    runTransfer(core, "MLSD", async () => text((await listedFolder(core, argument)).map((listed) => `${factLine(listed, core.state.facts)}\r\n`).join(""))),
  RETR: async (core, argument) => {
    const offset = takeRest(core);
    await runTransfer(core, "RETR", async (transfer) => {
      const at = inside(core, argument);
      const { size } = await existingFile(core, at);
      if (offset > size) throw new Refusal(554, "Invalid REST parameter.");
      const body = offset === size ? null : await personOf(core).files.read(at, offset, transfer.abort.signal);
      return download(body === null ? Readable.from([]) : Readable.fromWeb(body), core.state.isText);
    });
  },
  STOR: async (core, argument) => {
    const offset = takeRest(core);
    await runTransfer(core, "STOR", async (transfer) => upload(core, transfer, { argument, offset }));
  },
  APPE: async (core, argument) => {
    takeRest(core);
    await runTransfer(core, "APPE", async (transfer) => upload(core, transfer, { argument, offset: "end" }));
  },
};

function takeRest(core: SessionCore): number {
  const { restOffset } = core.state;
  core.state.restOffset = 0;
  return restOffset;
}

// Clients give `ls -la` on as it is; names with a dash in front can be listed as ./-name.
function withoutFlags(argument: string): string {
  return argument.replace(/^(\s*-\S*(\s+|$))+/, "");
}

function text(listing: string): Carry {
  return async (socket, transfer) => {
    if (listing !== "") await send(socket, counting(Readable.from([Buffer.from(listing)]), transfer));
    await finish(socket, transfer);
  };
}

function download(body: Readable, isText: boolean): Carry {
  return async (socket, transfer) => {
    const counted = counting(body, transfer);
    await send(socket, isText ? withNetworkLines(counted) : counted);
    await finish(socket, transfer);
  };
}

async function upload(core: SessionCore, transfer: Transfer, to: { readonly argument: string; readonly offset: number | "end" }): Promise<Carry> {
  const at = writable(core, to.argument);
  const { files } = personOf(core);
  const present = await files.stat(at);
  if (present !== null && present.type !== "file") throw new Refusal(550, "Not a regular file.");
  if (present === null) await requireParent(core, at.path, at.siteId);
  if (to.offset !== "end" && to.offset > (present?.size ?? 0)) throw new Refusal(554, "Invalid REST parameter.");
  const replaces = present !== null && to.offset === 0;
  const { signal } = transfer.abort;
  return async (socket) => {
    const received = counting(replaces ? believed(socket, signal) : bytesOf(socket), transfer);
    const body = core.state.isText ? withSystemLines(received) : received;
    const given = { siteId: at.siteId, path: at.path, body, signal };
    if (replaces) return files.replace(given);
    const cut: unknown[] = [];
    const kept = { ...given, body: untilCut(body, cut) };
    await files.patch(kept, present === null ? { offset: 0, absent: true } : to.offset === "end" ? {} : { offset: to.offset });
    if (cut.length > 0) throw cut[0];
  };
}

async function requireParent(core: SessionCore, path: string, siteId: number): Promise<void> {
  const parent = path.split("/").slice(0, -1).join("/");
  if (parent === "") return;
  const entry = await personOf(core).files.stat({ siteId, path: parent });
  if (entry?.type !== "folder") throw new Refusal(550, "No such file or directory.");
}

async function* counting(source: AsyncIterable<Uint8Array>, transfer: Transfer): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    transfer.bytes += chunk.length;
    yield chunk;
  }
}

// Where a part stays, a transfer that is cut off ends in order as far as the orchestrator knows: everything that arrived is written.
async function* untilCut(source: AsyncIterable<Uint8Array>, cut: unknown[]): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    cut.push(error);
  }
}

// Not destroyed at its end: the other side still waits for the end of TLS.
function bytesOf(socket: Socket): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => socket.iterator({ destroyOnReturn: false }) };
}

// The end of the data connection is all that tells the end of a file. Where a good one would be replaced, it counts only
// while the control connection lives.
async function* believed(socket: Socket, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* bytesOf(socket);
  await delay(afterglowMs, undefined, { signal });
}

// Each piece is out before the next is read.
async function send(socket: Socket, source: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of source) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClose = (): void => reject(new Error("the data connection was closed"));
    socket.once("close", onClose);
    if (socket.destroyed) onClose();
    socket.write(chunk, (error) => (error ? reject(error) : resolve()));
    await promise.finally(() => socket.off("close", onClose));
  }
}

// Node sends no end of TLS when it is asked for in the turn in which the last write ended, and clients take the file for cut off then.
async function finish(socket: Socket, transfer: Transfer): Promise<void> {
  await nextTurn();
  socket.end();
  await finished(socket, { readable: false, signal: transfer.abort.signal });
}
