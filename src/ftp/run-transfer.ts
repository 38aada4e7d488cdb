import type { Socket } from "node:net";
import { Refusal, replyOf } from "./failure-reply.ts";
import { secureSocket } from "./secure-socket.ts";
import type { SessionCore, Transfer } from "./session-core.ts";

/** Carries bytes over the data connection that was agreed on, once this is known to be possible. */
export type Carry = (socket: Socket, transfer: Transfer) => Promise<void>;

/**
 * A transfer from its first reply to its last: `prepare` finds out whether it is possible (and throws what is said instead), then the data
 * connection is made, and only after 150 its TLS (RFC 4217, 12), then what `prepare` gave carries the bytes.
 */
export async function runTransfer(core: SessionCore, what: string, prepare: (transfer: Transfer) => Promise<Carry>): Promise<void> {
  const { state, deps } = core;
  const channel = state.data;
  state.data = null;
  if (channel === null) return core.reply(425, "No data connection: use PASV, EPSV, PORT or EPRT first.");
  const transfer: Transfer = { abort: new AbortController(), what, bytes: 0 };
  const { signal } = transfer.abort;
  state.transfer = transfer;
  let socket: Socket | undefined;
  const onAbort = (): void => void socket?.destroy();
  signal.addEventListener("abort", onAbort);
  try {
    const carry = await prepare(transfer);
    const isThere = channel.isConnected;
    await core.reply(isThere ? 125 : 150, isThere ? "Data connection already open. Transfer starting." : "File status okay. About to open data connection.");
    socket = await channel.connect(signal);
    socket.setTimeout(deps.rules.idleMs, () => socket?.destroy(new Error("the data connection stalled")));
    if (state.protectsData) socket = await secured(core, socket);
    signal.throwIfAborted();
    await carry(socket, transfer);
    socket.destroySoon();
    await core.reply(226, "Transfer complete.");
  } catch (error) {
    socket?.destroy();
    await fail(core, signal, error);
  } finally {
    signal.removeEventListener("abort", onAbort);
    // What was asked for and not taken is not wanted any more.
    transfer.abort.abort(new Error("the transfer has ended"));
    channel.close();
    state.transfer = null;
  }
}

async function secured({ secureContext, deps }: SessionCore, plain: Socket): Promise<Socket> {
  const socket = await secureSocket(plain, secureContext);
  if (!deps.rules.requiresSessionReuse || socket.isSessionReused()) return socket;
  socket.destroy();
  throw new Refusal(522, "The data connection has to reuse the TLS session of the control connection.");
}

async function fail(core: SessionCore, signal: AbortSignal, error: unknown): Promise<void> {
  if (signal.aborted) return core.reply(426, core.state.wasAborted ? "Transfer aborted via ABOR." : "Connection closed; transfer aborted.");
  const reply = replyOf(error);
  if (reply === undefined && !(error instanceof Refusal)) core.deps.log.info({ err: error }, "a transfer ended early");
  await core.reply(reply?.code ?? 426, reply?.text ?? "Connection closed; transfer aborted.");
}
