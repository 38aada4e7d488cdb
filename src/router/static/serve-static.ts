import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import { endAnswer } from "../end-answer.ts";
import { isRangeCurrent, isUnchanged } from "./conditions.ts";
import type { FileStore, Found, FoundFile } from "./file-store.ts";
import { type ByteRange, parseRange } from "./range.ts";
import { acceptedEncodings } from "./representation.ts";
import { folderLocation, parseStaticPath } from "./static-path.ts";

/** A request for a file of a static site. */
export interface StaticVisit {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly siteId: number;
  /** The site's folder on this machine. */
  readonly root: string;
  /** The request's path, still encoded, and its query with the question mark or "". */
  readonly path: string;
  readonly query: string;
}

interface Representation {
  readonly found: FoundFile;
  readonly names: readonly string[];
  /** The media type is that of the file that was asked for, not of its compressed neighbour. */
  readonly contentType: string;
  readonly encoding: string | null;
  readonly varies: boolean;
}

/** Serves `public/` folders. */
export class StaticServer {
  readonly #files: FileStore;
  readonly #log: Log;
  /** Long answers under way, to end them when their site is closed. */
  readonly #streams = new Map<number, Set<Readable>>();

  constructor(files: FileStore, log: Log) {
    this.#files = files;
    this.#log = log;
  }

  /** Ends the downloads of a site. */
  shut(siteId: number): void {
    for (const stream of this.#streams.get(siteId) ?? []) stream.destroy(new Error("the site was closed"));
  }

  /** Answers a request. @throws {Failure} for what is told as a page: the path is malformed, the method is not for files. */
  serve(visit: StaticVisit): void {
    const { req, res, root } = visit;
    if (req.method !== "GET" && req.method !== "HEAD") throw new Failure("method_not_allowed", { method: req.method ?? "" });
    const path = parseStaticPath(visit.path);
    if (path.isHidden) {
      this.#notFound(visit);
      return;
    }
    const names = path.isFolder ? [...path.names, "index.html"] : path.names;
    const found = this.#files.find(root, names);
    if (found.kind === "folder" && !path.isFolder) {
      res.writeHead(301, { Location: folderLocation(path.names, visit.query), "Content-Length": 0, "Cache-Control": "no-cache" });
      res.end();
      return;
    }
    if (found.kind !== "file") {
      this.#notFound(visit);
      return;
    }
    this.#answer(visit, this.#represent(visit, names, found));
  }

  // Nobody else closes the file when its answer cannot be made.
  #answer(visit: StaticVisit, representation: Representation): void {
    try {
      this.#answerWith(visit, representation);
    } catch (error) {
      representation.found.file?.[Symbol.dispose]();
      throw error;
    }
  }

  #notFound(visit: StaticVisit): void {
    const names = ["404.html"];
    const found: Found = this.#files.find(visit.root, names);
    if (found.kind !== "file") throw new Failure("not_found");
    this.#send(visit, { found, names, contentType: found.facts.contentType, encoding: null, varies: false }, { status: 404, range: null });
  }

  #represent(visit: StaticVisit, names: readonly string[], found: FoundFile): Representation {
    try {
      return this.#bestOf(visit, names, found);
    } catch (error) {
      found.file?.[Symbol.dispose]();
      throw error;
    }
  }

  #bestOf({ req, root }: StaticVisit, names: readonly string[], found: FoundFile): Representation {
    const plain = { found, names, contentType: found.facts.contentType, encoding: null, varies: found.facts.isCompressible };
    if (!plain.varies) return plain;
    for (const { name, suffix } of acceptedEncodings(req.headers["accept-encoding"])) {
      const beside = [...names.slice(0, -1), `${names.at(-1)}${suffix}`];
      if (!this.#files.mayExist(root, beside)) continue;
      const compressed = this.#files.find(root, beside);
      if (compressed.kind !== "file") continue;
      // One that is older than its original was forgotten when the original was edited.
      if (compressed.facts.mtimeMs >= found.facts.mtimeMs) {
        found.file?.[Symbol.dispose]();
        return { ...plain, found: compressed, names: beside, encoding: name };
      }
      compressed.file?.[Symbol.dispose]();
    }
    return plain;
  }

  #answerWith(visit: StaticVisit, representation: Representation): void {
    const { req, res } = visit;
    const { facts, file } = representation.found;
    const conditions = { ifNoneMatch: req.headers["if-none-match"], ifModifiedSince: req.headers["if-modified-since"] };
    if (isUnchanged(conditions, facts.etag, facts.mtimeMs)) {
      file?.[Symbol.dispose]();
      res.writeHead(304, ["ETag", facts.etag, "Cache-Control", "no-cache", ...(representation.varies ? ["Vary", "Accept-Encoding"] : [])]);
      res.end();
      return;
    }
    const isCurrent = isRangeCurrent(req.headers["if-range"] as string | undefined, facts.etag, facts.mtimeMs);
    const range = req.method === "GET" && isCurrent ? parseRange(req.headers.range, facts.size) : null;
    if (range !== "unsatisfiable") {
      this.#send(visit, representation, { status: range === null ? 200 : 206, range });
      return;
    }
    file?.[Symbol.dispose]();
    res.writeHead(416, ["Content-Range", `bytes */${facts.size}`, "Content-Length", "0"]);
    res.end();
  }

  #send(visit: StaticVisit, representation: Representation, { status, range }: { readonly status: number; readonly range: ByteRange | null }): void {
    const { req, res } = visit;
    const { found } = representation;
    const { start, end } = range ?? { start: 0, end: found.facts.size };
    const headers = headersOf(representation, end - start);
    if (range !== null) headers.push("Content-Range", `bytes ${start}-${end - 1}/${found.facts.size}`);
    res.writeHead(status, headers);
    if (req.method === "HEAD" || start === end) {
      found.file?.[Symbol.dispose]();
      res.end();
    } else if (found.bytes !== null) endAnswer(res, range === null ? found.bytes : found.bytes.subarray(start, end), false);
    else if (found.file !== null) this.#stream(visit, representation, found.file.stream(start, end));
  }

  #stream(visit: StaticVisit, { found, names }: Representation, stream: Readable): void {
    const isWhole = visit.res.statusCode !== 206;
    const parts: Buffer[] | null = isWhole && this.#files.isWorthKeeping(found) ? [] : null;
    if (parts !== null) stream.on("data", (chunk: Buffer) => parts.push(chunk));
    const streams = this.#streams.get(visit.siteId) ?? new Set();
    this.#streams.set(visit.siteId, streams.add(stream));
    pipeline(stream, visit.res, (error) => {
      streams.delete(stream);
      if (streams.size === 0) this.#streams.delete(visit.siteId);
      // A visitor who left is not worth a line; a file that was cut meanwhile ends the connection, which tells the visitor.
      if (error) this.#log.debug({ err: error, siteId: visit.siteId }, "file not sent whole");
      else if (parts !== null) this.#files.keep(visit.root, names, { ...found, bytes: Buffer.concat(parts) });
    });
  }
}

function headersOf({ found: { facts }, contentType, encoding, varies }: Representation, length: number): string[] {
  // no-cache: browsers ask every time, and mostly hear 304; an edit is seen at once.
  const headers = ["Content-Type", contentType, "Content-Length", String(length), "ETag", facts.etag, "Last-Modified", facts.lastModified];
  headers.push("Cache-Control", "no-cache", "Accept-Ranges", "bytes", "X-Content-Type-Options", "nosniff");
  if (encoding !== null) headers.push("Content-Encoding", encoding);
  if (varies) headers.push("Vary", "Accept-Encoding");
  return headers;
}
