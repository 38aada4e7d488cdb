import type { Socket } from "node:net";
import { finished } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Failure } from "#contract/failure.ts";
import type { AnswerBody } from "#kit/http/byte-client.ts";
import { withNetworkLines, withSystemLines } from "./ascii.ts";
import { Refusal } from "./failure-reply.ts";
import { existingFile, inside, personOf, writable } from "./find-target.ts";
import { listedFolder, listedIn } from "./listed.ts";
import { factLine, listLine, nameLine } from "./listing.ts";
import { receivedFrom } from "./received.ts";
import { type Carry, runTransfer } from "./run-transfer.ts";
import type { CommandHandler, SessionCore, Transfer } from "./session-core.ts";

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
    await runTransfer(core, "RETR", async (transfer) => download(await opened(core, { argument, offset }, transfer.abort.signal), core.state.isText));
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
    if (listing !== "") await send(socket, [Buffer.from(listing)], transfer);
    await finish(socket, transfer);
  };
}

// Null: the transfer begins at the file's very end, and brings nothing.
async function opened(core: SessionCore, from: { readonly argument: string; readonly offset: number }, signal: AbortSignal): Promise<AnswerBody | null> {
  const at = inside(core, from.argument);
  try {
    return await personOf(core).files.read(at, from.offset, signal);
  } catch (error) {
    const code = error instanceof Failure ? error.code : undefined;
    if (code === "file_special" || code === "not_a_file") throw new Refusal(550, "Not a regular file.");
    if (code !== "range_not_satisfiable") throw error;
    const { size } = await existingFile(core, at);
    if (from.offset > size) throw new Refusal(554, "Invalid REST parameter.");
    return null;
  }
}

function download(body: AnswerBody | null, isText: boolean): Carry {
  return async (socket, transfer) => {
    if (body !== null) await (isText ? send(socket, withNetworkLines(piecesOf(body)), transfer) : pour(body, socket, transfer));
    await finish(socket, transfer);
  };
}

async function upload(core: SessionCore, transfer: Transfer, to: { readonly argument: string; readonly offset: number | "end" }): Promise<Carry> {
  const at = writable(core, to.argument);
  const { files } = personOf(core);
  const { entry: present, hasFolder } = await files.look(at);
  if (present !== null && present.type !== "file") throw new Refusal(550, "Not a regular file.");
  if (!hasFolder) throw new Refusal(550, "No such file or directory.");
  if (to.offset !== "end" && to.offset > (present?.size ?? 0)) throw new Refusal(554, "Invalid REST parameter.");
  const replaces = present !== null && to.offset === 0;
  const { signal } = transfer.abort;
  return async (socket) => {
    const cut: unknown[] = [];
    const received = receivedFrom(socket, transfer, replaces ? null : cut);
    const body = core.state.isText ? withSystemLines(received) : received;
    const given = { siteId: at.siteId, path: at.path, body, signal };
    if (replaces) return files.replace(given);
    await files.patch(given, present === null ? { offset: 0, absent: true } : to.offset === "end" ? {} : { offset: to.offset });
    if (cut.length > 0) throw cut[0];
  };
}

async function* piecesOf(body: AnswerBody): AsyncGenerator<Uint8Array> {
  for (let piece = await body.next(); piece !== null; piece = await body.next()) yield piece;
}

// Each piece is out before the next is read.
async function send(socket: Socket, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, transfer: Transfer): Promise<void> {
  for await (const chunk of source) {
    transfer.bytes += chunk.length;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClose = (): void => reject(new Error("the data connection was closed"));
    socket.once("close", onClose);
    if (socket.destroyed) onClose();
    socket.write(chunk, (error) => (error ? reject(error) : resolve()));
    await promise.finally(() => socket.off("close", onClose));
  }
}

// Straight from the buffers that were read into; while one piece is on its way out the next one comes in. Resolves when the last is out.
async function pour(body: AnswerBody, socket: Socket, transfer: Transfer): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onClose = (): void => reject(new Error("the data connection was closed"));
  socket.once("close", onClose);
  if (socket.destroyed) onClose();
  let last = Promise.resolve();
  const flown = body.flow((piece, done) => {
    transfer.bytes += piece.length;
    const out = Promise.withResolvers<void>();
    last = out.promise;
    socket.write(piece, () => {
      done();
      out.resolve();
    });
  });
  try {
    await Promise.race([flown.then(() => last), promise]);
  } finally {
    socket.off("close", onClose);
  }
}

// Node sends no end of TLS when it is asked for in the turn in which the last write ended, and clients take the file for cut off then.
async function finish(socket: Socket, transfer: Transfer): Promise<void> {
  await nextTurn();
  socket.end();
  await finished(socket, { readable: false, signal: transfer.abort.signal });
}
