import { expect, test } from "vitest";
import { createServer } from "#kit/http/server.ts";
import { silentLog } from "#kit/log.ts";
import { actor, actorSite } from "../../test/support/builders.ts";
import { mountFileHistory } from "./file-history-api.ts";
import { type FilesDeps, mountFiles } from "./files-api.ts";
import { sitePathOf } from "./site-files-client.ts";

/** The manager's endpoints of files, before an orchestrator that does all it is asked to; `paths` are those that it was asked about. */
function serve() {
  const paths: unknown[] = [];
  const note = ({ query, body }: { readonly query?: { readonly path?: string }; readonly body?: { readonly path?: string; readonly from?: string } }): void =>
    void paths.push(query?.path ?? body?.path ?? body?.from);
  const there = {
    call: async (_shape: unknown, asked: Parameters<typeof note>[0]) => {
      note(asked);
      return { entries: [], versions: [], next: null, truncated: false, created: true, sha256: "0".repeat(64) };
    },
    fetch: async (_shape: unknown, asked: Parameters<typeof note>[0]) => {
      note(asked);
      return new Response("content");
    },
  };
  const app = createServer({ log: silentLog() });
  const guards = { site: async () => ({ actor: actor(), sessionId: null, site: actorSite() }) };
  // Nothing else of it is asked for.
  const deps = { guards, orchestrator: { on: () => there } } as unknown as FilesDeps & Parameters<typeof mountFileHistory>[1];
  mountFiles(app, deps);
  mountFileHistory(app, deps);
  const ask = async (method: "GET" | "PUT" | "POST" | "DELETE", url: string, body?: object | string) => {
    const type = typeof body === "string" ? "application/octet-stream" : "application/json";
    const headers = body === undefined ? {} : { "content-type": type };
    const response = await app.inject({ method, url, headers, ...(body === undefined ? {} : { payload: body }) });
    return { status: response.statusCode, paths: paths.splice(0) };
  };
  return ask;
}

const done = (status: number, ...paths: string[]) => ({ status, paths });

test.each(["chess", "files", "history", "site-files", "versions"])("of a site called %s each path is the one that was asked for", async (name) => {
  const ask = serve();
  const [files, history] = [`/api/v1/sites/${name}/files`, `/api/v1/sites/${name}/history`];
  expect(await ask("PUT", `${files}/public/a%20b.txt`, "hello")).toEqual(done(201, "public/a b.txt"));
  expect(await ask("GET", `${files}/public/a.txt?download=true`)).toEqual(done(200, "public/a.txt"));
  expect(await ask("GET", `${files}/`)).toEqual(done(200, ""));
  expect(await ask("GET", `${files}/files/`)).toEqual(done(200, "files"));
  expect(await ask("POST", `${files}/history/files`, { mkdir: true })).toEqual(done(204, "history/files"));
  expect(await ask("POST", `${files}/files/a`, { move: "b" })).toEqual(done(204, "files/a"));
  expect(await ask("DELETE", `${files}/`)).toEqual(done(400));
  expect(await ask("DELETE", `${files}/?recursive=true`)).toEqual(done(400));
  expect(await ask("DELETE", `${files}/files/?recursive=true`)).toEqual(done(204, "files"));
  expect(await ask("GET", `${history}/public/a.txt`)).toEqual(done(200, "public/a.txt"));
  expect(await ask("POST", `${history}/history/a.txt`, { restore: "0".repeat(8) })).toEqual(done(201, "history/a.txt"));
});

test("an address may be written in other ways", async () => {
  const ask = serve();
  expect(await ask("GET", "/api/v1/%73ites/files/%66iles/a/files/b")).toEqual(done(200, "a/files/b"));
  expect(await ask("DELETE", "/%61pi/v1/sites/files/%66iles/?recursive=true")).toEqual(done(400));
});

test("the whole address, as it is sent to a proxy, names the same path; another one names none", () => {
  const pathIn = (url: string) => sitePathOf({ raw: { url } });
  expect(pathIn("http://api:8080/api/v1/sites/files/files/a?b=/files/c")).toEqual({ path: "a", isFolder: false });
  expect(pathIn("HTTPS://files/api/v1/sites/files/history/")).toEqual({ path: "", isFolder: true });
  for (const url of ["/api/v1/sites/files", "http://a/files/b", "/files/b"]) expect(() => pathIn(url), url).toThrow("cannot be used");
});
