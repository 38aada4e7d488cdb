import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { edgeMissing, startEdgeRouter } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, visit } from "../../../test/support/router-harness.ts";

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
});
