import { changePath } from "#contract/api/files.ts";
import { Failure } from "#contract/failure.ts";
import { parseSitePath } from "#contract/site-path.ts";
import { imageTypeOf } from "../app/text-file.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";
import { keepVersion, sha256Of, tellChange } from "./mock-history.ts";
import { siteOf } from "./mock-sites.ts";
import type { MockFile, MockSite } from "./mock-world.ts";

const etagOf = (file: MockFile): string => `"${sha256Of(file.bytes)}"`;
const isBelow = (path: string, folder: string): boolean => folder === "" || path.startsWith(`${folder}/`);

function pathOf({ params }: MockCall): { path: string; isFolder: boolean } {
  const raw = params["*"] ?? "";
  const isFolder = raw === "" || raw.endsWith("/");
  return { path: parseSitePath(isFolder ? raw.slice(0, -1) : raw).join("/"), isFolder };
}

function listing(site: MockSite, folder: string): unknown {
  if (folder !== "" && !site.folders.has(folder)) throw new Failure("file_not_found", { path: folder });
  const child = (path: string): string => path.slice(folder === "" ? 0 : folder.length + 1);
  const isDirect = (path: string): boolean => isBelow(path, folder) && !child(path).includes("/");
  const folders = [...site.folders]
    .filter(isDirect)
    .map((path) => ({ name: child(path), type: "folder", size: 0, modifiedAt: site.view.createdAt, executable: false }));
  const files = [...site.files]
    .filter(([path]) => isDirect(path))
    .map(([path, file]) => ({ name: child(path), type: "file", size: file.bytes.length, modifiedAt: file.modifiedAt, executable: file.executable }));
  return { entries: [...folders, ...files] };
}

export function makeParents(site: MockSite, path: string): void {
  const segments = path.split("/").slice(0, -1);
  for (let length = 1; length <= segments.length; length++) site.folders.add(segments.slice(0, length).join("/"));
}

function move(site: MockSite, from: string, to: string): void {
  if (site.files.has(to) || site.folders.has(to)) throw new Failure("file_exists", { path: to });
  if (!site.files.has(from) && !site.folders.has(from)) throw new Failure("file_not_found", { path: from });
  makeParents(site, to);
  for (const [path, file] of [...site.files]) {
    if (path !== from && !isBelow(path, from)) continue;
    site.files.delete(path);
    site.files.set(to + path.slice(from.length), file);
  }
  for (const folder of [...site.folders]) {
    if (folder !== from && !isBelow(folder, from)) continue;
    site.folders.delete(folder);
    site.folders.add(to + folder.slice(from.length));
  }
}

function copy(site: MockSite, from: string, to: string): void {
  if (site.files.has(to) || site.folders.has(to)) throw new Failure("file_exists", { path: to });
  if (!site.files.has(from) && !site.folders.has(from)) throw new Failure("file_not_found", { path: from });
  makeParents(site, `${to}${site.folders.has(from) ? "/x" : ""}`);
  for (const [path, file] of [...site.files]) if (path === from || isBelow(path, from)) site.files.set(to + path.slice(from.length), { ...file });
  for (const folder of [...site.folders]) if (isBelow(folder, from)) site.folders.add(to + folder.slice(from.length));
}

export const mockFileHandlers: Readonly<Record<string, MockHandler>> = {
  "files.read": (call) => {
    const { path, isFolder } = pathOf(call);
    if (isFolder) return listing(siteOf(call), path);
    const file = siteOf(call).files.get(path);
    if (file === undefined) throw new Failure("file_not_found", { path });
    const etag = etagOf(file);
    if (call.request.headers["if-none-match"] === etag) return call.response.writeHead(304, { etag }).end();
    const type = imageTypeOf(path) ?? "application/octet-stream";
    return call.response.writeHead(200, { "content-type": type, "content-length": file.bytes.length, etag }).end(file.bytes);
  },
  "files.write": (call) => {
    const site = siteOf(call);
    const { path } = pathOf(call);
    const old = site.files.get(path);
    const { "if-match": match, "if-none-match": noneMatch } = call.request.headers;
    if (match !== undefined && (old === undefined || match !== etagOf(old))) throw new Failure("file_changed", { path });
    if (noneMatch === "*" && old !== undefined) throw new Failure("file_changed", { path });
    if (call.bytes.length > site.view.limits.fileBytes) throw new Failure("file_too_large", { limitBytes: site.view.limits.fileBytes });
    makeParents(site, path);
    if (old !== undefined) keepVersion(call, path, "overwrite");
    const file: MockFile = { bytes: call.bytes, modifiedAt: new Date().toISOString(), executable: old?.executable ?? false };
    site.files.set(path, file);
    tellChange(site, path);
    return call.response.writeHead(old === undefined ? 201 : 204, { etag: etagOf(file) }).end();
  },
  "files.delete": (call) => {
    const site = siteOf(call);
    const { path } = pathOf(call);
    for (const file of site.files.keys()) if (file === path || isBelow(file, path)) keepVersion(call, file, "delete");
    tellChange(site, path);
    if (site.files.delete(path)) return;
    if (!site.folders.has(path)) throw new Failure("file_not_found", { path });
    for (const file of [...site.files.keys()]) if (isBelow(file, path)) site.files.delete(file);
    for (const folder of [...site.folders]) if (folder === path || isBelow(folder, path)) site.folders.delete(folder);
  },
  "files.change": (call) => {
    const site = siteOf(call);
    const { path } = pathOf(call);
    const change = changePath.body.parse(call.body);
    if ("move" in change) move(site, path, parseSitePath(change.move).join("/"));
    else if ("copy" in change) copy(site, path, parseSitePath(change.copy).join("/"));
    else if ("mkdir" in change) {
      if (site.folders.has(path) || site.files.has(path)) throw new Failure("file_exists", { path });
      makeParents(site, `${path}/x`);
    } else {
      const file = site.files.get(path);
      if (file === undefined) throw new Failure("file_not_found", { path });
      file.executable = change.executable;
    }
    tellChange(site, path);
  },
  "files.archive": (call) =>
    call.response.writeHead(200, { "content-type": "application/zip", "content-disposition": `attachment; filename="${call.params.name}.zip"` }).end("PK"),
  "files.usage": (call) => {
    const site = siteOf(call);
    const bytes = [...site.files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
    const share = site.view.id % 4 === 0 ? 0.93 : 0.22;
    return {
      bytes: bytes + Math.round(site.view.limits.diskBytes * share),
      files: site.files.size + site.folders.size + 812,
      limitBytes: site.view.limits.diskBytes,
      limitFiles: site.view.limits.files,
    };
  },
};
