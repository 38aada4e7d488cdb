import type { FolderEntry } from "#contract/api/files.ts";
import type { InputOf } from "#contract/client.ts";
import type { EndpointShape, ResultOf } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import * as door from "#contract/internal/door-files.ts";
import * as host from "#contract/internal/files.ts";
import { type AnswerBody, ByteClient } from "#kit/http/byte-client.ts";
import type { DoorSession } from "./door-session.ts";

/** A path in one of the session's places. */
export interface FilePath {
  readonly siteId: number;
  readonly path: string;
}

/** What is at a path, and whether its folder is there. */
export interface Found {
  readonly entry: FolderEntry | null;
  readonly hasFolder: boolean;
}

/** Bytes on their way up. */
export interface Upload extends FilePath {
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends a replacement that is not to take place any more. */
  readonly signal: AbortSignal;
}

/** The files that a session may see: at the orchestrator, with the session's grants. */
export class RemoteFiles {
  readonly #session: DoorSession;
  readonly #orchestratorUrl: string;
  /** By address: places may lie at different orchestrators. */
  readonly #clients = new Map<string, ByteClient>();

  constructor(session: DoorSession, orchestratorUrl: string) {
    this.#session = session;
    this.#orchestratorUrl = orchestratorUrl;
  }

  /** What is at a path; null when nothing is. */
  async stat(file: FilePath, options: { readonly follow: boolean } = { follow: true }): Promise<FolderEntry | null> {
    return (await this.look(file, options)).entry;
  }

  /** The same, and whether the folder is there that it is in, or would be. */
  async look({ siteId, path }: FilePath, options: { readonly follow: boolean } = { follow: true }): Promise<Found> {
    try {
      return { entry: await this.#call(door.statPath, { params: { siteId }, query: { path, follow: options.follow } }), hasFolder: true };
    } catch (error) {
      if (!(error instanceof Failure) || (error.code !== "file_not_found" && error.code !== "not_a_folder")) throw error;
      return { entry: null, hasFolder: error.details.inFolder === true };
    }
  }

  async list({ siteId, path }: FilePath): Promise<readonly FolderEntry[]> {
    return (await this.#call(host.listFolder, { params: { siteId }, query: { path } })).entries;
  }

  /** The bytes from an offset on, which must lie before the end; all of them, or so many at most. */
  async read(file: FilePath, from: number | { readonly offset: number; readonly length: number }, signal: AbortSignal): Promise<AnswerBody> {
    const { offset, last } = typeof from === "number" ? { offset: from, last: "" } : { offset: from.offset, last: String(from.offset + from.length - 1) };
    const headers: Record<string, string> = offset > 0 || last !== "" ? { range: `bytes=${offset}-${last}` } : {};
    const input = { params: { siteId: file.siteId }, query: { path: file.path, tag: false }, headers, signal };
    return this.#again(file.siteId, () => this.#at(file.siteId).read(host.readSiteFile, input));
  }

  /** Replaces a file whole, once everything has arrived. */
  async replace(upload: Upload): Promise<void> {
    await this.#at(upload.siteId).call(host.writeSiteFile, {
      params: { siteId: upload.siteId },
      query: { path: upload.path },
      body: upload.body,
      signal: upload.signal,
    });
  }

  /** Writes in place, where what arrived stays. */
  async patch(upload: Upload, at: { readonly offset?: number; readonly absent?: boolean }): Promise<{ readonly size: number }> {
    const query = { path: upload.path, ...at };
    return this.#at(upload.siteId).call(door.patchFile, { params: { siteId: upload.siteId }, query, body: upload.body });
  }

  /** Cuts a file off, or makes it longer by zeros. */
  async resize({ siteId, path }: FilePath, size: number): Promise<void> {
    await this.#call(door.resizeFile, { params: { siteId }, body: { path, size } });
  }

  /** Makes a link to something in the same place. */
  async link({ siteId, path }: FilePath, target: string): Promise<void> {
    await this.#call(door.makeLink, { params: { siteId }, body: { path, target } });
  }

  async makeFolder({ siteId, path }: FilePath): Promise<void> {
    await this.#call(host.makeFolder, { params: { siteId }, body: { path } });
  }

  async delete({ siteId, path }: FilePath): Promise<void> {
    await this.#call(host.deleteSitePath, { params: { siteId }, query: { path } });
  }

  /** A file may take the place of a file, unless `replace` is false. */
  async move(siteId: number, from: string, to: { readonly path: string; readonly replace: boolean }): Promise<void> {
    await this.#call(host.moveSitePath, { params: { siteId }, body: { from, to: to.path, replace: to.replace } });
  }

  async setExecutable({ siteId, path }: FilePath, executable: boolean): Promise<void> {
    await this.#call(host.setExecutable, { params: { siteId }, body: { path, executable } });
  }

  async setModified({ siteId, path }: FilePath, modified: Date): Promise<void> {
    await this.#call(door.setModified, { params: { siteId }, body: { path, modifiedAt: modified.toISOString() } });
  }

  #call<E extends EndpointShape>(shape: E, input: InputOf<E> & { readonly params: { readonly siteId: number } }): Promise<ResultOf<E>> {
    return this.#again(input.params.siteId, () => this.#at(input.params.siteId).call(shape, input));
  }

  // A grant of an earlier epoch is refused, also when it was somebody else's access that changed.
  async #again<T>(siteId: number, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Failure) || !this.#isOutdated(siteId, error)) throw error;
      await this.#session.grant(siteId, { isFresh: true });
      return act();
    }
  }

  // Where there are several orchestrators, the site may be at another by now.
  #isOutdated(siteId: number, { code }: Failure): boolean {
    if (code === "grant_refused") return true;
    const isOneOfSeveral = this.#session.orchestratorOf(siteId, "") !== "";
    return isOneOfSeveral && (code === "site_not_found" || code === "site_moved" || code === "component_away");
  }

  #at(siteId: number): ByteClient {
    const baseUrl = this.#session.orchestratorOf(siteId, this.#orchestratorUrl);
    const known = this.#clients.get(baseUrl);
    if (known !== undefined) return known;
    const token = (_shape: EndpointShape, input: { readonly params?: Readonly<Record<string, unknown>> }): Promise<string> =>
      this.#session.grant(Number(input.params?.siteId));
    const client = new ByteClient({ baseUrl, peer: "orchestrator", token });
    this.#clients.set(baseUrl, client);
    return client;
  }
}
