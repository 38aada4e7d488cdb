import type { FolderEntry } from "#contract/api/files.ts";
import type { RemoteFiles } from "#kit/door/remote-files.ts";
import type { Attributes, Listed } from "./attributes.ts";
import type { Inside } from "./paths.ts";
import { ReadAhead } from "./read-ahead.ts";
import type { OpenFlags } from "./requests.ts";
import { setAttributes } from "./set-attributes.ts";
import { Refusal, statusCodes } from "./status.ts";
import { WriteBehind } from "./write-behind.ts";

/** A file that a client has opened. */
export class OpenFile {
  readonly at: Inside;
  readonly #files: RemoteFiles;
  readonly #entry: FolderEntry;
  readonly #reader: ReadAhead | undefined;
  readonly #writer: WriteBehind | undefined;
  /** Said while the file is being written, and done once it is: a replacement has no place before. */
  #later: Attributes;

  private constructor(options: {
    readonly files: RemoteFiles;
    readonly at: Inside;
    readonly entry: FolderEntry;
    readonly flags: OpenFlags;
    readonly later: Attributes;
  }) {
    const { files, at, entry, flags } = options;
    this.#files = files;
    this.at = at;
    this.#entry = entry;
    this.#later = options.later;
    if (flags.read) this.#reader = new ReadAhead(files, at);
    if (flags.write) {
      const mode = entry.name === "" ? "create" : flags.truncate ? "replace" : "patch";
      this.#writer = new WriteBehind({ files, file: at, mode, size: entry.size, isAppending: flags.append });
    }
  }

  /** @throws {Refusal} for what cannot be opened so. */
  static async open(files: RemoteFiles, at: Inside, asked: { readonly flags: OpenFlags; readonly attributes: Attributes }): Promise<OpenFile> {
    const { attributes } = asked;
    // Appending is a way of writing, whether or not it is said twice.
    const flags = { ...asked.flags, write: asked.flags.write || asked.flags.append };
    if (!flags.read && !flags.write) throw new Refusal(statusCodes.failure, "Open it for reading or for writing.");
    const { entry: found, hasFolder } = await files.look(at);
    if (found === null && !(flags.write && flags.create)) throw new Refusal(statusCodes.noSuchFile, "No such file or directory");
    // Told at once, and not when all of it has been sent: curl makes the folders then.
    if (!hasFolder) throw new Refusal(statusCodes.noSuchFile, "No such file or directory");
    if (found?.type === "folder") throw new Refusal(statusCodes.failure, "Is a directory");
    if (found !== null && flags.create && flags.exclusive) throw new Refusal(statusCodes.failure, "File exists");
    const isExecutable = ((attributes.permissions ?? 0) & 0o111) !== 0;
    const isNew = found === null;
    // As on a disk: the permissions of OPEN are those of a file that it makes.
    const later = isNew && isExecutable ? { permissions: attributes.permissions ?? 0o755 } : {};
    const entry = found ?? { name: "", type: "file" as const, size: 0, modifiedAt: new Date().toISOString(), executable: isExecutable };
    return new OpenFile({ files, at, entry, flags, later });
  }

  get stat(): Listed {
    const size = this.#writer?.size ?? this.#entry.size;
    return { entry: { ...this.#entry, size }, canWrite: this.at.place.canWrite };
  }

  /** What stands at an offset, behind `lead` bytes that are free; nothing behind them at the end of the file. */
  async read(offset: number, length: number, lead: number): Promise<Buffer> {
    if (this.#reader === undefined) throw new Refusal(statusCodes.permissionDenied, "The file was not opened for reading.");
    await this.#writer?.flush();
    return this.#reader.read(offset, length, lead);
  }

  async write(offset: number, data: Buffer): Promise<void> {
    if (this.#writer === undefined) throw new Refusal(statusCodes.permissionDenied, "The file was not opened for writing.");
    this.#reader?.reset();
    await this.#writer.write(offset, data);
  }

  async setAttributes(attributes: Attributes): Promise<void> {
    if (!this.at.place.canWrite) throw new Refusal(statusCodes.permissionDenied, "You may only read this site.");
    if (this.#writer === undefined) return setAttributes(this.#files, this.at, attributes);
    const { size, ...later } = attributes;
    // The length that it has anyway: said by clients that write over a file without emptying it first.
    if (size !== undefined) {
      await this.#writer.flush();
      await this.#files.resize(this.at, size);
      this.#writer.resized(size);
    }
    this.#later = { ...this.#later, ...later };
  }

  /** Whatever was written is on the disk. */
  async flush(): Promise<void> {
    await this.#writer?.flush();
  }

  /** @throws what went wrong with anything that was written. */
  async close(): Promise<void> {
    this.#reader?.reset();
    if (this.#writer === undefined) return;
    await this.#writer.flush();
    const { permissions, ...later } = this.#later;
    const isSame = permissions === undefined || ((permissions & 0o111) !== 0) === (this.#entry.name === "" ? false : this.#entry.executable);
    await setAttributes(this.#files, this.at, isSame ? later : this.#later);
  }

  /** The session ended without closing it. */
  abandon(): void {
    this.#reader?.reset();
    this.#writer?.abandon();
  }
}
