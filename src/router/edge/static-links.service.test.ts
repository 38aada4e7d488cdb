import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { edgeMissing, startEdgeRouter } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, visit } from "../../../test/support/router-harness.ts";
import { edgeUser, prepareRunFolder } from "./run-folder.ts";

const missing = edgeMissing();
/** nginx' own tag: seconds and length. The router's has three parts. */
const fromNginx = /^"[0-9a-f]+-[0-9a-f]+"$/;

describe.skipIf(missing !== null)(`links before and behind a site's folder${missing === null ? "" : ` (${missing})`}`, { timeout: 60_000 }, () => {
  test("nginx serves sites whose data folder is reached by an administrator's link, and nothing by a link of a site's own", async () => {
    const real = await mkdtemp(path.join(tmpdir(), "backlot-linked-"));
    const data = path.join(real, "link");
    await mkdir(path.join(real, "data"));
    await symlink("data", data);
    const routes = [aRoute({ siteId: 105, name: "pages", kind: "static" }), aRoute({ siteId: 106, name: "sly", kind: "static" })];
    await putFile({ data }, 105, "public/index.html", "hello");
    const secret = await putFile({ data }, 105, "private/secret.txt", "hush hush");
    await mkdir(path.join(data, "sites/01/06"), { recursive: true });
    await symlink(path.dirname(secret), path.join(data, "sites/01/06/public"));
    await writeFile(path.join(real, "beside.txt"), "hush hush");
    {
      await using router = await startEdgeRouter(routes, { environment: { BACKLOT_DATA: data } });
      const page = await visit(router.door, { host: "pages.localhost" });
      expect([page.status, page.text]).toEqual([200, "hello"]);
      expect(page.headers.etag).toMatch(fromNginx);
      const stolen = await visit(router.door, { host: "sly.localhost", path: "/secret.txt" });
      expect([stolen.status, stolen.text.includes("hush")]).toEqual([404, false]);
    }
    await rm(real, { recursive: true });
  });

  test("nginx listens to nobody but the edge's own user, and takes no folder but a site's number", async () => {
    await using router = await startEdgeRouter([aRoute({ siteId: 105, name: "pages", kind: "static" })]);
    await putFile(router, 105, "public/page.txt", "hello");
    await putFile(router, 105, "private/page.txt", "hush hush");
    await putFile(router, 7, "public/page.txt", "hush hush");
    await visit(router.door, { host: "pages.localhost", path: "/page.txt" });
    const user = edgeUser(undefined);
    const socket = path.join(await prepareRunFolder(router.data, user), "static", "nginx.sock");
    expect(await askNginx(socket, "0105")).toEqual([200, "hello"]);
    for (const root of ["0105/../../01/05/../00/07", "../01/05", "01/05", "0105/", "105", "01050", "a105", "0105a", "0105 0007", "-105", "", null]) {
      const [status, text] = await askNginx(socket, root);
      expect([root, status, text.includes("hush")]).toEqual([root, 404, false]);
    }
    const { uid, mode } = await stat(path.dirname(socket));
    expect([uid, mode & 0o777]).toEqual([user?.uid, 0o700]);
    expect(await mayReach(socket, 65_534)).toBe(false);
    expect(await mayReach(socket, uid)).toBe(true);
  });
});

/** Whether a user of this machine comes as far as the socket. */
async function mayReach(socket: string, uid: number): Promise<boolean> {
  const args = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups", "test", "-S", socket];
  return await promisify(execFile)("setpriv", args).then(
    () => true,
    () => false,
  );
}

function askNginx(socketPath: string, siteRoot: string | null): Promise<readonly [number, string]> {
  const headers = siteRoot === null ? {} : { "X-Site-Root": siteRoot };
  return new Promise((resolve, reject) => {
    request({ socketPath, path: "/page.txt", headers, agent: false }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      reply.on("end", () => resolve([reply.statusCode ?? 0, text]));
    })
      .on("error", reject)
      .end();
  });
}
