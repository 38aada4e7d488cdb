import { createHash, randomUUID } from "node:crypto";
import { type FileVersion, restoreVersion, type SiteChange } from "#contract/api/files.ts";
import { formatEvent } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";
import { siteOf } from "./mock-sites.ts";
import type { MockSite } from "./mock-world.ts";

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Keeps what a file holds before it is replaced or deleted. */
export function keepVersion(call: MockCall, path: string, ended: FileVersion["ended"]): void {
  const site = siteOf(call);
  const file = site.files.get(path);
  if (file === undefined) return;
  const by = { username: call.world.me?.username ?? "nobody", door: "web" };
  const { bytes, executable, modifiedAt } = file;
  const times = { modifiedAt, endedAt: new Date().toISOString() };
  const version = { id: randomUUID(), path, sha256: sha256Of(bytes), size: bytes.length, executable, ...times, savedBy: null, ended, endedBy: by };
  site.versions.unshift({ version, bytes });
}

/** Tells those who follow the folder that something of this name in it has changed. */
export function tellChange(site: MockSite, path: string): void {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  for (const listener of site.followers) listener(folder, path.slice(folder === "" ? 0 : folder.length + 1));
}

const listed = ({ versions }: MockSite, isMeant: (version: FileVersion) => boolean): unknown => ({
  versions: versions.map(({ version }) => version).filter(isMeant),
  truncated: false,
  folders: [],
});

function versionOf(call: MockCall, id: string | undefined): MockSite["versions"][number] {
  const found = siteOf(call).versions.find(({ version }) => version.id === id);
  if (found === undefined) throw new Failure("version_not_found");
  return found;
}

function follow(call: MockCall): undefined {
  const site = siteOf(call);
  const folders = call.query.getAll("folder");
  const send = (change: SiteChange): void => void call.response.write(formatEvent(change));
  const listener = (folder: string, name: string): void => {
    if (folders.includes(folder)) send({ type: "changed", folder, names: [name] });
  };
  call.response.writeHead(200, { "content-type": "text/event-stream" });
  send({ type: "open" });
  site.followers.add(listener);
  call.response.on("close", () => site.followers.delete(listener));
  return undefined;
}

function search(call: MockCall): unknown {
  const flags = call.query.get("case") === "true" ? "gu" : "giu";
  const literal = (call.query.get("query") ?? "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const source = call.query.get("regex") === "true" ? (call.query.get("query") ?? "") : literal;
  const pattern = new RegExp(call.query.get("word") === "true" ? `\\b(?:${source})\\b` : source, flags);
  const files = [...siteOf(call).files].map(([path, { bytes }]) => ({
    path,
    matches: new TextDecoder()
      .decode(bytes)
      .split("\n")
      .flatMap((text, index) =>
        [...text.matchAll(pattern)].map((match) => ({ line: index + 1, column: match.index, length: match[0].length, text, textStart: 0 })),
      ),
  }));
  return { files: files.filter(({ matches }) => matches.length > 0), truncated: null, searched: { files: files.length, bytes: 1000 }, skipped: 0 };
}

export const mockHistoryHandlers: Readonly<Record<string, MockHandler>> = {
  "history.list": (call) => listed(siteOf(call), ({ path }) => path === call.params["*"]),
  "history.deleted": (call) => {
    const folder = call.query.get("path") ?? "";
    const { files } = siteOf(call);
    return listed(siteOf(call), ({ path, ended }) => ended === "delete" && !files.has(path) && (folder === "" || path.startsWith(`${folder}/`)));
  },
  "history.read": (call) => {
    const { version, bytes } = versionOf(call, call.params.version);
    return call.response.writeHead(200, { "content-type": "application/octet-stream", etag: `"${version.sha256}"` }).end(bytes);
  },
  "history.restore": (call) => {
    const path = call.params["*"] ?? "";
    const { version, bytes } = versionOf(call, restoreVersion.body.parse(call.body).restore);
    keepVersion(call, path, "restore");
    siteOf(call).files.set(path, { bytes, executable: version.executable, modifiedAt: new Date().toISOString() });
    tellChange(siteOf(call), path);
    return call.response.writeHead(204, { etag: `"${version.sha256}"` }).end();
  },
  "files.search": search,
  "files.changes": follow,
};
