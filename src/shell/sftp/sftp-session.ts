import { notePassed } from "#kit/http/passing-buffers.ts";
import type { Log } from "#kit/log.ts";
import type { Listed } from "./attributes.ts";
import { HeldNames } from "./held-names.ts";
import { OpenFile } from "./open-file.ts";
import { PacketReader, ProtocolError } from "./packet-reader.ts";
import * as paths from "./path-requests.ts";
import { canonical, findTarget, inside, writable } from "./paths.ts";
import * as replies from "./replies.ts";
import { parseRequest, type SftpRequest } from "./requests.ts";
import { setAttributes } from "./set-attributes.ts";
import { Refusal, statusCodes, statusOf } from "./status.ts";
import { FieldReader } from "./wire.ts";

/** A channel of SSH, or anything that takes and gives bytes. */
export interface ByteChannel extends AsyncIterable<Buffer> {
  write(bytes: Buffer): boolean;
}

/** What a session needs. */
export interface SftpDeps extends paths.FilesOf {
  readonly channel: ByteChannel;
  /** Shown as the owner of files. */
  readonly owner: string;
  /** Resolves when the other side has taken enough for more to be sent. */
  readonly room: () => Promise<void>;
  readonly log: Log;
}

const mostHandles = 256;
/** Of every session of this process: they share its memory. */
const heldNames = new HeldNames();
/** As many names, or bytes of them, go into one answer: more than 34,000 bytes not every client takes. */
const mostNames = 100;
const mostNameBytes = 24_000;

type PathRequest =
  Extract<SftpRequest, { readonly path: Buffer } | { readonly first: Buffer }> extends infer R ? (R extends { readonly type: "open" } ? never : R) : never;
type Held = { readonly kind: "file"; readonly file: OpenFile } | { readonly kind: "folder"; entries: readonly Listed[]; next: number };

/** SFTP, version 3, over one channel. Requests are done one after another; what is written goes on behind the client's back. */
export class SftpSession {
  readonly #deps: SftpDeps;
  readonly #held = new Map<string, Held>();
  #lastHandle = 0;

  constructor(deps: SftpDeps) {
    this.#deps = deps;
  }

  /** Serves until the client closes the channel, or sends what is no SFTP. */
  async run(): Promise<void> {
    const { channel, room, log } = this.#deps;
    const reader = new PacketReader();
    let hasBegun = false;
    try {
      for await (const chunk of channel) {
        notePassed(2 * chunk.length);
        for (const packet of reader.feed(chunk)) {
          const request = parseRequest(packet);
          if (hasBegun === (request.type === "init")) throw new ProtocolError("INIT has to come first, and once");
          hasBegun = true;
          const reply = request.type === "init" ? replies.versionReply() : await this.#answer(request);
          await room();
          channel.write(reply);
          notePassed(reply.length);
        }
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      log.info({ reason: error.message }, "a session spoke no SFTP");
    } finally {
      for (const held of this.#held.values()) this.#letGo(held);
    }
  }

  async #answer(request: Exclude<SftpRequest, { type: "init" }>): Promise<Buffer> {
    try {
      return (await this.#do(request)) ?? replies.statusReply(request.id, statusCodes.ok, "");
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      const status = statusOf(error);
      if (status === undefined) this.#deps.log.error({ err: error, request: request.type }, "a request failed");
      return replies.statusReply(request.id, status?.code ?? statusCodes.failure, status?.text ?? "Something went wrong on our side.");
    }
  }

  async #do(request: Exclude<SftpRequest, { type: "init" }>): Promise<Buffer | undefined> {
    const { id } = request;
    switch (request.type) {
      case "open":
        return replies.handleReply(id, await this.#open(request));
      case "read":
        return this.#read(request);
      case "write":
        await this.#file(request.handle).write(request.offset, request.data);
        return undefined;
      case "close":
        return this.#close(request.handle);
      case "fstat":
        return replies.attributesReply(id, this.#statOf(request.handle));
      case "fsetstat":
        await this.#file(request.handle).setAttributes(request.attributes);
        return undefined;
      case "readdir":
        return this.#readFolder(request);
      case "unknown":
        throw new Refusal(statusCodes.unsupported, "This request is not known here.");
      case "extended":
        return this.#extended(request);
      default:
        return this.#doAtPath(request);
    }
  }

  async #doAtPath(request: PathRequest): Promise<Buffer | undefined> {
    const of = this.#deps;
    await this.#flushOpen("path" in request ? [request.path] : [request.first, request.second]);
    switch (request.type) {
      case "stat":
      case "lstat":
        return replies.attributesReply(request.id, await paths.stat(of, request.path, request.type === "stat"));
      case "readlink":
        return replies.nameReply(request.id, await paths.readLink(of, request.path));
      case "setstat":
        await setAttributes(of.files, writable(of.door.view, request.path), request.attributes);
        return undefined;
      case "mkdir":
        await paths.makeFolder(of, request.path);
        return undefined;
      case "remove":
      case "rmdir":
        await paths.remove(of, request.path, request.type === "rmdir" ? "folder" : "file");
        return undefined;
      case "rename":
        await paths.rename(of, { from: request.first, to: request.second }, false);
        return undefined;
      case "opendir":
        return replies.handleReply(request.id, this.#holdFolder(await paths.list(of, request.path)));
      case "realpath":
        return replies.nameReply(request.id, canonical(request.path));
      case "symlink":
        // OpenSSH has always sent the target first, against the draft; and all clients follow OpenSSH.
        await paths.makeLink(of, request.first, request.second);
        return undefined;
    }
  }

  async #extended(request: Extract<SftpRequest, { type: "extended" }>): Promise<Buffer | undefined> {
    const fields = new FieldReader(request.data);
    switch (request.name) {
      case "posix-rename@openssh.com":
        return this.#replace({ from: fields.bytes(), to: fields.bytes() });
      case "fsync@openssh.com":
        await this.#file(fields.bytes().toString("latin1")).flush();
        return undefined;
      case "limits@openssh.com":
        return replies.limitsReply(request.id);
      case "expand-path@openssh.com":
        return replies.nameReply(request.id, canonical(fields.bytes()));
      default:
        throw new Refusal(statusCodes.unsupported, "This extension is not known here.");
    }
  }

  async #replace(given: { readonly from: Buffer; readonly to: Buffer }): Promise<undefined> {
    await this.#flushOpen([given.from, given.to]);
    await paths.rename(this.#deps, given, true);
    return undefined;
  }

  async #open(request: Extract<SftpRequest, { type: "open" }>): Promise<string> {
    const { files, door } = this.#deps;
    const { write, append } = request.flags;
    await this.#flushOpen([request.path]);
    const at = write || append ? writable(door.view, request.path) : inside(door.view, request.path);
    return this.#hold({ kind: "file", file: await OpenFile.open(files, at, request) });
  }

  async #read(request: Extract<SftpRequest, { type: "read" }>): Promise<Buffer> {
    const framed = await this.#file(request.handle).read(request.offset, Math.min(request.length, replies.maxDataBytes), replies.dataLead);
    if (framed.length === replies.dataLead && request.length > 0) throw new Refusal(statusCodes.endOfFile, "End of file");
    return replies.dataReply(request.id, framed);
  }

  #readFolder(request: { readonly id: number; readonly handle: string }): Buffer {
    const held = this.#get(request.handle);
    if (held.kind !== "folder") throw new Refusal(statusCodes.failure, "The handle is of a file.");
    const batch: Listed[] = [];
    for (let bytes = 0; batch.length < mostNames && bytes < mostNameBytes; held.next += 1) {
      const listed = held.entries[held.next];
      if (listed === undefined) break;
      batch.push(listed);
      bytes += 150 + 2 * Buffer.byteLength(listed.entry.name);
    }
    if (batch.length === 0) {
      // Its first entry is the folder itself, which may still be asked for.
      heldNames.giveBack(this.#deps.owner, held.entries.length - 1);
      held.entries = held.entries.slice(0, 1);
      held.next = 1;
      throw new Refusal(statusCodes.endOfFile, "End of folder");
    }
    return replies.namesReply(request.id, batch, { owner: this.#deps.owner, now: Date.now() });
  }

  async #close(handle: string): Promise<undefined> {
    const held = this.#get(handle);
    this.#held.delete(handle);
    if (held.kind === "file") await held.file.close();
    else this.#letGo(held);
    return undefined;
  }

  #statOf(handle: string): Listed {
    const held = this.#get(handle);
    if (held.kind === "file") return held.file.stat;
    const [self] = held.entries;
    if (self === undefined) throw new Refusal(statusCodes.failure, "The folder is gone.");
    return self;
  }

  // What this session still has under way at a path is to be seen by it there. What fails is told to whoever closes the file.
  async #flushOpen(asked: readonly Buffer[]): Promise<void> {
    const files = [...this.#held.values()].flatMap((held) => (held.kind === "file" ? [held.file] : []));
    if (files.length === 0) return;
    for (const path of asked) {
      const target = findTarget(this.#deps.door.view, path);
      if (target.kind !== "inside") continue;
      const same = files.filter(({ at }) => at.siteId === target.place.siteId && at.path === target.path);
      for (const file of same) await file.flush().catch(() => undefined);
    }
  }

  #holdFolder(entries: readonly Listed[]): string {
    if (!heldNames.take(this.#deps.owner, entries.length)) throw new Refusal(statusCodes.failure, "Too many folders are open. Close some of them.");
    return this.#hold({ kind: "folder", entries, next: 0 });
  }

  #letGo(held: Held): void {
    if (held.kind === "file") held.file.abandon();
    else heldNames.giveBack(this.#deps.owner, held.entries.length);
  }

  #hold(held: Held): string {
    if (this.#held.size >= mostHandles) {
      this.#letGo(held);
      throw new Refusal(statusCodes.failure, "Too many files are open.");
    }
    this.#lastHandle += 1;
    const handle = this.#lastHandle.toString(36);
    this.#held.set(handle, held);
    return handle;
  }

  #file(handle: string): OpenFile {
    const held = this.#get(handle);
    if (held.kind !== "file") throw new Refusal(statusCodes.failure, "The handle is of a folder.");
    return held.file;
  }

  #get(handle: string): Held {
    const held = this.#held.get(handle);
    if (held === undefined) throw new Refusal(statusCodes.failure, "There is no such handle.");
    return held;
  }
}
