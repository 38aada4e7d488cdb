import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deploySite, readSite, updateSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { packed, packedEntries } from "../support/backlot-archive.ts";
import type { Person } from "../support/backlot-person.ts";
import type { Visited, VisitInit } from "../support/backlot-visit.ts";

let backlot: Backlot;
let ann: Person;

beforeAll(async () => {
  backlot = await startBacklot();
  ann = await backlot.addPerson("ann");
  await ann.createSite("garden", "static");
  await ann.put("garden", "public/index.html", "as it was");
});
afterAll(() => backlot[Symbol.asyncDispose]());

describe("a body that is not right", () => {
  const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    ask("/api/v1/sites", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

  test.for([
    ["", 400, "body_malformed"],
    ["{", 400, "body_malformed"],
    ['{"name":"x"', 400, "body_malformed"],
    ["\u0000", 400, "body_malformed"],
    ["null", 422, "input_invalid"],
    ["[]", 422, "input_invalid"],
    ['"text"', 422, "input_invalid"],
    ["{}", 422, "input_invalid"],
    ['{"name":7,"kind":"static"}', 422, "input_invalid"],
    ['{"name":"abc","kind":"magic"}', 422, "input_invalid"],
    ['{"name":"abc","kind":"static","extra":1}', 422, "input_invalid"],
    ['{"name":"abc","kind":"static","__proto__":{"role":"administrator"}}', [400, 422], undefined],
    [`{"name":"${"x".repeat(70_000)}","kind":"static"}`, 413, "body_too_large"],
  ] as const)("%s is refused", async ([body, status, code]) => {
    const answer = await post(body);
    expect([status].flat()).toContain(answer.status);
    if (code !== undefined) expect(problemOf(answer).code).toBe(code);
  });

  test("of another media type is refused with the one to send", async () => {
    const answer = await post("name=abc", { "content-type": "application/x-www-form-urlencoded" });
    expect(problemOf(answer)).toMatchObject({ status: 415, code: "media_type_unsupported", title: "Send the body as application/json." });
    expect((await ask("/api/v1/sites/garden/deployments", { method: "POST", body: "{}", headers: { "content-type": "application/json" } })).status).toBe(415);
  });

  test("is right for a file, whatever its type", async () => {
    const body = JSON.stringify({ kept: "x".repeat(70_000) });
    const headers = { "content-type": "application/json" };
    expect((await ask("/api/v1/sites/garden/files/public/data.json", { method: "PUT", body, headers })).status).toBeLessThan(300);
    expect((await ann.get("garden", "public/data.json")).toString()).toBe(body);
  });

  test("that ends early changes nothing", async () => {
    await ann.put("garden", "public/kept.txt", "before");
    const headers = { "content-type": "application/octet-stream", "content-length": "1000" };
    // Half of what was announced, then the connection goes.
    const sending = ask("/api/v1/sites/garden/files/public/kept.txt", { method: "PUT", body: "half", headers, signal: AbortSignal.timeout(300) });
    await expect(sending).rejects.toThrow();
    expect((await ann.get("garden", "public/kept.txt")).toString()).toBe("before");
  });
});

describe("a name that is not right", () => {
  // The sixth letter of the first is a Cyrillic а; the second is full-width.
  const names = [
    "сlub",
    "ｃｌｕｂ",
    "club\u200b",
    "Club",
    "club_1",
    "-club",
    "club-",
    "cl--ub",
    "1club",
    "c",
    "",
    " club",
    "club.",
    "../etc",
    "a".repeat(33),
    "a".repeat(300),
    "xn--club-8ya",
    "club\u0000",
  ];
  test.for(names)("%j is refused with a sentence", async (name) => {
    const answer = await ask("/api/v1/sites", json("POST", { name, kind: "static" }));
    expect(answer.status).toBe(422);
    expect(problemOf(answer).title.length).toBeGreaterThan(20);
    const renaming = await ask("/api/v1/sites/garden", json("PATCH", { name }));
    expect(renaming.status).toBe(422);
  });

  test.for(["www", "api", "admin", "localhost"])("the reserved name %s is refused on create and on rename", async (name) => {
    expect(problemOf(await ask("/api/v1/sites", json("POST", { name, kind: "static" }))).code).toBe("site_name_reserved");
    expect(problemOf(await ask("/api/v1/sites/garden", json("PATCH", { name }))).code).toBe("site_name_reserved");
  });

  test("that is taken is refused, also when many ask for it at once", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask("/api/v1/sites", json("POST", { name: "wanted", kind: "static" }))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 9 }, () => 409)]);
  });
});

describe("a path that is not right", () => {
  const long = "n".repeat(300);
  const paths = [
    "../private/x",
    "public/../../x",
    "public/..%2f..%2fx",
    "%2e%2e/x",
    "public/%2e%2e/%2e%2e/x",
    "public%2fx",
    "public/a%2Fb",
    "%2fetc/passwd",
    "/etc/passwd",
    "public//x",
    "public/./x",
    "public/a%00b",
    "public/a%5cb",
    "public\\x",
    `public/${long}`,
    "public/a%E2%80%AEtxt",
    "public/%FF%FE",
    "public/%zz",
    "public/a%0Ab",
    `${"d/".repeat(80)}x`,
    // Nothing on the screen tells these from "club": a zero-width space, a soft hyphen, an invisible plus, a joiner among Latin letters.
    "public/clu%E2%80%8Bb",
    "public/clu%C2%ADb",
    "public/club%E2%81%A4",
    "public/cl%E2%80%8Dub",
  ];
  test.for(paths)("%s is refused for reading, writing, making, moving, copying, marking and deleting", async (path) => {
    const at = `/api/v1/sites/garden/files/${path}`;
    const answers = [
      await ask(at),
      await ask(at, { method: "PUT", body: "x", headers: { "content-type": "application/octet-stream" } }),
      await ask(at, { method: "DELETE" }),
      await ask(at, json("POST", { mkdir: true })),
      await ask(at, json("POST", { move: "public/moved-there" })),
      await ask(at, json("POST", { copy: "public/copied-there" })),
      await ask(at, json("POST", { executable: true })),
    ];
    for (const answer of answers) {
      expect([400, 404]).toContain(answer.status);
      expect(problemOf(answer).title.length).toBeGreaterThan(20);
    }
    for (const made of ["public/moved-there", "public/copied-there"]) expect((await ask(`/api/v1/sites/garden/files/${made}`)).status).toBe(404);
  });

  test("that looks just like another one is refused, whoever makes it", async () => {
    const at = (path: string) => `/api/v1/sites/garden/files/public/${path}`;
    await ann.put("garden", "public/caf\u00e9.txt", "one character");
    await ann.put("garden", "public/plain.txt", "plain");
    const apart = "public/cafe\u0301.txt";
    const answers = [
      await ask(at("cafe%CC%81.txt"), { method: "PUT", body: "x", headers: { "content-type": "application/octet-stream" } }),
      await ask(at("cafe%CC%81.txt"), json("POST", { mkdir: true })),
      await ask(at("plain.txt"), json("POST", { move: apart })),
      await ask(at("plain.txt"), json("POST", { copy: apart })),
    ];
    for (const answer of answers) {
      expect(problemOf(answer)).toMatchObject({ status: 400, code: "path_invalid", title: expect.stringContaining("looks just like it") });
    }
    expect((await ask(at("cafe%CC%81.txt"))).status).toBe(404);
    expect((await ann.get("garden", "public/caf\u00e9.txt")).toString()).toBe("one character");
    // The file itself may be written in the other way.
    expect((await ask(at("caf%C3%A9.txt"), json("POST", { move: apart }))).status).toBeLessThan(300);
    expect((await ann.get("garden", apart)).toString()).toBe("one character");
  });

  test.for(["../x", "/etc/x", "a\\b", "a/../../x", "a\u0000", "a\u200b", "\u2060a", long, ""])("%j is refused as the target of a move", async (move) => {
    await ann.put("garden", "public/moved.txt", "here");
    const answer = await ask("/api/v1/sites/garden/files/public/moved.txt", json("POST", { move }));
    expect([400, 409, 422]).toContain(answer.status);
    expect((await ann.get("garden", "public/moved.txt")).toString()).toBe("here");
  });

  test("never reaches a file outside through the router either", async () => {
    await ann.put("garden", "private/secret.txt", "not for visitors");
    for (const path of [
      "/../private/secret.txt",
      "/..%2fprivate/secret.txt",
      "/%2e%2e/private/secret.txt",
      "/..\\private\\secret.txt",
      "//private/secret.txt",
      "/.home/x",
      "/a%00b",
      "/%ff",
    ]) {
      const answer = await backlot.visit("garden", path);
      expect([301, 302, 307, 308, 400, 404]).toContain(answer.status);
      expect(answer.text).not.toContain("not for visitors");
    }
  });
});

describe("an archive that is not right", () => {
  beforeAll(async () => {
    // A small limit is reached in the same way as the one of 100,000 files, which takes minutes to reach.
    const body = { limits: { files: 500 }, reason: "a test" };
    const { operation } = await (await backlot.admin()).client.call(updateSite, { params: { name: "garden" }, body });
    if (operation !== null) await (await backlot.admin()).succeeded(operation);
  });
  const deploy = async (archive: Uint8Array) => {
    const { operation } = await ann.client.call(deploySite, { params: { name: "garden" }, body: new Uint8Array(archive) });
    return ann.ended(operation);
  };
  const bombs: Readonly<Record<string, () => Buffer | Promise<Buffer>>> = {
    "no gzip": () => randomBytes(1000),
    "gzip of no tar": () => gzipSync(randomBytes(5000)),
    "cut off": async () => (await packed({ "public/a.txt": randomBytes(50_000).toString("hex") })).subarray(0, 20_000),
    "a climbing path": () => packedEntries([{ header: { name: "../../evil.txt" }, content: "x" }]),
    "an absolute path": () => packedEntries([{ header: { name: "/etc/evil.txt" }, content: "x" }]),
    "a link that leaves": () => packedEntries([{ header: { name: "public/link", type: "symlink", linkname: "../../../../etc/passwd" } }]),
    "an absolute link": () => packedEntries([{ header: { name: "public/link", type: "symlink", linkname: "/etc/passwd" } }]),
    "a hard link that leaves": () => packedEntries([{ header: { name: "public/link", type: "link", linkname: "../../../etc/passwd" } }]),
    "a device": () => packedEntries([{ header: { name: "public/dev", type: "character-device", devmajor: 1, devminor: 3 } }]),
    "a pipe": () => packedEntries([{ header: { name: "public/pipe", type: "fifo" } }]),
    "a way through its own link": () =>
      packedEntries([
        { header: { name: "public/up", type: "symlink", linkname: ".." } },
        { header: { name: "public/up/run.sh" }, content: "x" },
        { header: { name: "public/up/../../x" }, content: "x" },
      ]),
    "a bomb of zeros": () => packedEntries([{ header: { name: "public/zeros" }, content: Buffer.alloc(150_000_000) }]),
    "too many files": () => packedEntries(Array.from({ length: 600 }, (_, index) => ({ header: { name: `public/f/${index}` } }))),
    "too deep": () => packedEntries([{ header: { name: `${"d/".repeat(100)}x` }, content: "x" }]),
  };
  test.for(Object.keys(bombs))("with %s is refused as a whole", async (name) => {
    await ann.put("garden", "public/index.html", "as before");
    const archive = await bombs[name]?.();
    const outcome = await deploy(archive ?? Buffer.alloc(0)).then(
      ({ state, failure }) => ({ state, code: failure?.code }),
      (error: { code?: string }) => ({ state: "refused", code: error.code }),
    );
    expect(["failed", "refused"]).toContain(outcome.state);
    expect(["archive_invalid", "archive_unsafe", "archive_too_large", "quota_exceeded", "file_too_large"]).toContain(outcome.code);
    expect((await backlot.visit("garden")).text).toBe("as before");
  });

  test("leaves the way free for the next one", async () => {
    expect(await deploy(await packed({ "public/next.txt": "fine" }))).toMatchObject({ state: "succeeded" });
    expect((await backlot.visit("garden", "/next.txt")).text).toBe("fine");
  });
});

test("limits are an administrator's, with a reason", async () => {
  const limits = { diskBytes: 2_000_000 };
  await expect(ann.client.call(updateSite, { params: { name: "garden" }, body: { limits, reason: "please" } })).rejects.toMatchObject({
    code: "administrators_only",
  });
  const admin = await backlot.admin();
  await expect(admin.client.call(updateSite, { params: { name: "garden" }, body: { limits } })).rejects.toMatchObject({ code: "limits_need_reason" });
  const changed = await admin.client.call(updateSite, { params: { name: "garden" }, body: { limits, reason: "a test" } });
  if (changed.operation !== null) await admin.succeeded(changed.operation);
  await expect(ann.put("garden", "public/big.bin", randomBytes(3_000_000))).rejects.toMatchObject({ code: "quota_exceeded" });
  await expect(ann.get("garden", "public/big.bin")).rejects.toMatchObject({ code: "file_not_found" });
  expect((await ann.client.call(readSite, { params: { name: "garden" } })).site.limits.diskBytes).toBe(2_000_000);
});

test("heads that no client sends are answered and harm nobody", async () => {
  expect((await ask("/api/v1/nothing")).status).toBe(404);
  expect((await ask("/api/v1/sites", { method: "PUT" })).status).toBeGreaterThanOrEqual(404);
  expect((await ask(`/api/v1/sites?search=${"x".repeat(5000)}`)).status).toBe(422);
  expect((await ask("/api/v1/sites?limit=1e9")).status).toBe(422);
  expect((await ask("/api/v1/sites?unknown=1")).status).toBe(422);
  expect((await ask("/api/v1/sites?cursor=%00")).status).toBeLessThan(500);
  expect((await ask("/api/v1/sites?search=%00")).status).toBeLessThan(500);
  expect((await ask(`/api/v1/operations/${"9".repeat(90)}`)).status).toBe(404);
  expect((await ask("/api/v1/operations/%00")).status).toBe(404);
  expect(problemOf(await ask("/api/v1/sites", { headers: { "x-big": "y".repeat(20_000) } }))).toMatchObject({ status: 431, code: "head_too_large" });
  expect(problemOf(await backlot.visit("garden", "/", { headers: { "x-big": "y".repeat(60_000) } }))).toMatchObject({ status: 431, code: "head_too_large" });
  expect((await backlot.visit("garden")).status).toBe(200);
});

function ask(path: string, init: VisitInit = {}): Promise<Visited> {
  return backlot.ask(path, { ...init, headers: { authorization: `Bearer ${ann.token}`, ...init.headers } });
}

function json(method: string, body: unknown): VisitInit {
  return { method, body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

function problemOf(answer: Visited): { readonly status: number; readonly code: string; readonly title: string } {
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  return JSON.parse(answer.text);
}
