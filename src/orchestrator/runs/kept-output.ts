import { closeSync, constants, openSync, rmSync, write } from "node:fs";
import { open, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { codeOf } from "#kit/jail/descriptor.ts";
import { createOutput, type OutputFile, reopenOutput } from "./output-file.ts";
import { keptOf, layoutOf, markOf, type OutputLayout } from "./output-layout.ts";
import { listParts, partFile, removeParts } from "./run-files.ts";
import { emptyStream, type KeptStream } from "./run-record.ts";

/** Where an output goes. */
export interface OutputPlace {
  readonly file: OutputFile;
  /** What the names of its pieces begin with. */
  readonly parts: string;
  readonly limitBytes: number;
}

/** Appends to a file; tests give one that fails. */
export type Append = (fd: number, bytes: Uint8Array) => Promise<unknown>;
const append: Append = promisify(write);

/** As much waits for the disk before the program is halted. */
const waitingBytes = 256 * 1024;

/** One stream of a run that goes on: its head in the file, what comes later in pieces of which only the last ones stay. */
export class KeptOutput {
  readonly place: OutputPlace;
  readonly layout: OutputLayout;
  readonly #append: Append;
  readonly #onTrouble: (error: unknown) => void;
  readonly #watchers = new Set<() => void>();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #printed = 0;
  #written = 0;
  #pump: Promise<void> | null = null;
  /** The open file: the head (-1) or a piece. */
  #open: { readonly index: number; readonly fd: number } | null = null;
  #hasFailed = false;
  #kept: KeptStream | null = null;

  /** Makes the file, empty, before anything is printed. What the disk refuses is not kept; the run goes on. */
  constructor(place: OutputPlace, options: { readonly append?: Append; readonly onTrouble: (error: unknown) => void }) {
    this.place = place;
    this.layout = layoutOf(place.limitBytes);
    this.#append = options.append ?? append;
    this.#onTrouble = options.onTrouble;
    try {
      this.#open = { index: -1, fd: createOutput(place.file) };
    } catch (error) {
      this.#fail(error);
    }
  }

  /** What is known by now; final once it is finished. */
  get kept(): KeptStream {
    return this.#kept ?? { ...keptOf(this.layout, this.#printed, this.#written), markBytes: 0 };
  }

  /** Bytes that can be read. */
  get writtenBytes(): number {
    return this.#written;
  }

  get isFinished(): boolean {
    return this.#kept !== null;
  }

  /** Takes what was printed; resolves, when it gives a promise, when there is room for more. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#printed += chunk.length;
    if (this.#hasFailed || this.#kept !== null) return undefined;
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#pump ??= this.#work().finally(() => {
      this.#pump = null;
    });
    return this.#waitingBytes > waitingBytes ? this.#pump : undefined;
  }

  /** Called whenever more can be read, and at the end. Returns what ends that. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  /** No more comes: makes the finished file. The pieces stay until `discardParts`, so that a crash in between loses nothing. */
  async finish(): Promise<KeptStream> {
    while (this.#pump !== null) await this.#pump;
    this.#close();
    this.#kept = await assemble(this.place, { layout: this.layout, bytes: this.#printed, writtenBytes: this.#written }).catch((error: unknown) => {
      this.#fail(error);
      return { ...emptyStream, bytes: this.#printed, headBytes: Math.min(this.#written, this.layout.headBytes) };
    });
    this.#tell();
    return this.#kept;
  }

  async discardParts(): Promise<void> {
    if (this.#written > this.layout.headBytes) await removeParts(this.place.parts);
  }

  async #work(): Promise<void> {
    // Let what comes in the same turn be written with it.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting.length === 1 && this.#waiting[0] !== undefined ? this.#waiting[0] : Buffer.concat(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
      if (this.#hasFailed) continue;
      await this.#store(bytes).catch((error: unknown) => this.#fail(error));
      this.#tell();
    }
  }

  async #store(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const { fd, room } = this.#target();
      const piece = rest.subarray(0, room);
      // The system may take a part and fail with the next.
      for (let done = 0; done < piece.length; ) {
        const result = await this.#append(fd, piece.subarray(done));
        const count = typeof result === "object" && result !== null && "bytesWritten" in result ? Number(result.bytesWritten) : piece.length - done;
        done += count;
        this.#written += count;
      }
      rest = rest.subarray(piece.length);
    }
  }

  /** The file that the next byte belongs to, and how many fit in. */
  #target(): { readonly fd: number; readonly room: number } {
    const { headBytes, partBytes, parts } = this.layout;
    const beyond = this.#written - headBytes;
    const index = beyond < 0 ? -1 : Math.floor(beyond / partBytes);
    if (this.#open?.index !== index) {
      this.#close();
      this.#open = { index, fd: index < 0 ? createOutput(this.place.file) : openSync(partFile(this.place.parts, index), "w", 0o600) };
      if (index >= parts) rmSync(partFile(this.place.parts, index - parts), { force: true });
    }
    return { fd: this.#open.fd, room: beyond < 0 ? -beyond : (index + 1) * partBytes - beyond };
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#close();
    this.#onTrouble(error);
  }

  #close(): void {
    if (this.#open !== null) closeSync(this.#open.fd);
    this.#open = null;
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** What an orchestrator that was killed left of an output, made into a finished file. */
export async function recoverOutput(place: OutputPlace): Promise<KeptStream> {
  const layout = layoutOf(place.limitBytes);
  const parts = await listParts(place.parts);
  const last = parts.at(-1);
  const size = await sizeOf(place.file);
  if (size === null) return emptyStream;
  const writtenBytes =
    last === undefined ? Math.min(size, layout.headBytes) : layout.headBytes + last * layout.partBytes + (await stat(partFile(place.parts, last))).size;
  return assemble(place, { layout, bytes: writtenBytes, writtenBytes });
}

async function sizeOf(file: OutputFile): Promise<number | null> {
  try {
    await using handle = await reopenOutput(file, constants.O_RDONLY);
    return (await handle.stat()).size;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Puts head, mark and tail together. Done again after a crash it does the same. */
async function assemble(
  place: OutputPlace,
  output: { readonly layout: OutputLayout; readonly bytes: number; readonly writtenBytes: number },
): Promise<KeptStream> {
  const { layout, bytes, writtenBytes } = output;
  const kept = keptOf(layout, bytes, writtenBytes);
  const lostAtEnd = bytes - writtenBytes;
  if (kept.tailBytes === 0 && lostAtEnd === 0) return kept;
  await using file = await reopenOutput(place.file, constants.O_WRONLY | constants.O_APPEND);
  await file.truncate(kept.headBytes);
  await file.appendFile(markOf(kept.tailOffset - kept.headBytes));
  let offset = kept.tailOffset;
  for (let index = Math.floor((offset - layout.headBytes) / layout.partBytes); offset < writtenBytes; index += 1) {
    const start = layout.headBytes + index * layout.partBytes;
    await using part = await open(partFile(place.parts, index), "r");
    for await (const chunk of part.createReadStream({ start: offset - start, autoClose: false })) await file.appendFile(chunk);
    offset = start + layout.partBytes;
  }
  await file.appendFile(markOf(lostAtEnd));
  return kept;
}
