import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { basicOf, LegacyTasksBench, root } from "../../../test/support/legacy-tasks-bench.ts";
import { checkOpenApi } from "./legacy-guard.ts";

const touch = { script: "touch.sh", arguments: { "": "sample_file.txt" } };
let bench: LegacyTasksBench;

beforeEach(async () => {
  bench = await new LegacyTasksBench().serve();
});
afterEach(() => bench.app.close());

describe("who may", () => {
  const bare = (method: "GET" | "POST", headers: Record<string, string> = {}, url = method === "GET" ? "/task/view/date:today" : "/task/create") =>
    bench.app.inject({ method, url, headers, ...(method === "POST" ? { payload: JSON.stringify(touch) } : {}) });

  it.each(["/task/", "/task/create", "/task/view/pk:1", "/task/view/uid:x", "/task/view/date:x", "/task/charts/daily", "/task/charts/disk", "/task/nothing"])(
    "nobody without a name sees %s",
    async (url) => {
      for (const method of ["GET", "POST"] as const) {
        const answer = await bare(method, {}, url);
        expect([answer.statusCode, answer.headers["www-authenticate"]]).toEqual([401, 'Basic realm="Backlot", charset="UTF-8"']);
      }
      expect(bench.tasks.created).toEqual([]);
    },
  );

  it("is asked before anything of the body is read", async () => {
    const { promise: isRead, resolve } = Promise.withResolvers<void>();
    const payload = async function* () {
      resolve();
      yield "{";
      await new Promise(() => undefined);
    };
    const address = await bench.app.listen({ host: "127.0.0.1", port: 0 });
    const controller = new AbortController();
    const answer = await fetch(`${address}/task/create`, {
      method: "POST",
      body: ReadableStream.from(payload()) as never,
      duplex: "half",
      signal: controller.signal,
    });
    await isRead;
    expect(answer.status).toBe(401);
    controller.abort();
  });

  it("takes an administrator by HTTP Basic or by a token with the scope", async () => {
    expect((await bare("POST", { authorization: root })).statusCode).toBe(201);
    expect((await bare("POST", { authorization: "Bearer good" })).statusCode).toBe(201);
    expect(bench.tasks.created.map((task) => task.createdById)).toEqual([1, 3]);
  });

  it.each([
    ["Bearer bad", 401],
    ["Bearer reads only", 403],
    [basicOf("root", "wrong"), 401],
    [basicOf("nobody", "x"), 401],
    [basicOf("ada", "secret"), 403],
    ["Basic", 401],
    ["Basic !!!", 401],
    [`Basic ${Buffer.from("no colon").toString("base64")}`, 401],
    ["Digest x", 401],
  ])("refuses %s with %i, as JSON with a detail", async (authorization, status) => {
    const answer = await bare("POST", { authorization });
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([status, "application/json"]);
    expect(Object.keys(answer.json<object>())).toEqual(["detail"]);
    expect(bench.tasks.created).toEqual([]);
  });

  it("checks a password once for many requests, together or one after the other", async () => {
    await Promise.all(Array.from({ length: 20 }, () => bare("GET", { authorization: root })));
    await bare("GET", { authorization: root });
    expect(bench.verified).toBe(1);
    // And the audit trail has one sign-in, not one for each.
    expect(bench.signIns).toEqual(["session.create root"]);
  });

  it("forgets at once a password that was changed, a role that was taken, an account that was closed", async () => {
    const password = "correct horse: battery";
    expect((await bare("GET", { authorization: root })).statusCode).toBe(200);
    bench.setPerson({ epoch: 1 }, "another");
    expect((await bare("GET", { authorization: root })).statusCode).toBe(401);
    bench.setPerson({ epoch: 2 }, password);
    expect((await bare("GET", { authorization: root })).statusCode).toBe(200);
    bench.setPerson({ role: "member", epoch: 2 }, password);
    expect((await bare("GET", { authorization: root })).statusCode).toBe(403);
    bench.setPerson({ role: "member", epoch: 2, isActive: false }, password);
    expect((await bare("GET", { authorization: root })).statusCode).toBe(401);
  });

  it("slows down who guesses", async () => {
    for (let count = 0; count < 5; count += 1) expect((await bare("GET", { authorization: basicOf("root", `guess ${count}`) })).statusCode).toBe(401);
    const answer = await bare("GET", { authorization: root });
    expect([answer.statusCode, Number(answer.headers["retry-after"])]).toEqual([429, 5]);
  });

  it("refuses what another page sends with a browser's remembered password", async () => {
    for (const origin of ["https://evil.example", "null", "http://name.localhost:8080"]) {
      expect((await bare("POST", { authorization: root, origin, host: "localhost:8000" })).statusCode).toBe(403);
    }
    expect((await bare("POST", { authorization: root, origin: "http://localhost:8000", host: "localhost:8000" })).statusCode).toBe(201);
  });
});

describe("the open API", () => {
  beforeEach(async () => {
    await bench.serve({ isOpen: true });
  });
  const post = (headers: Record<string, string>) => bench.app.inject({ method: "POST", url: "/task/create", payload: JSON.stringify(touch), headers });

  it.each(["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost"])("lets in whoever is on this machine, as %s", async (host) => {
    expect((await post({ host })).statusCode).toBe(201);
    expect(bench.tasks.created[0]?.createdById).toBeNull();
    expect(bench.audit[0]).toMatchObject({ actorId: null, action: "tasks.create" });
  });

  it("does not let in pages of others, nor names of others that lead here", async () => {
    expect((await post({ host: "localhost:8000", origin: "http://chess.localhost:8080" })).statusCode).toBe(403);
    expect((await post({ host: "rebound.example:8000" })).statusCode).toBe(403);
    expect((await bench.app.inject({ url: "/task/view/date:today", headers: { host: "rebound.example" } })).statusCode).toBe(403);
    expect(bench.tasks.created).toEqual([]);
  });

  it("still refuses a wrong password", async () => {
    expect((await post({ host: "localhost", authorization: basicOf("root", "wrong") })).statusCode).toBe(401);
  });

  it.each([
    ["0.0.0.0", undefined],
    ["::", undefined],
    ["192.168.1.5", undefined],
    ["lot.example.org", undefined],
    ["127.0.0.1", "https://lot.example.org"],
  ])("does not start at %s shown as %s", (host, publicUrl) => {
    expect(() => checkOpenApi({ isOpen: true, host, publicUrl })).toThrow(ConfigError);
    expect(() => checkOpenApi({ isOpen: true, host, publicUrl })).toThrow(/BACKLOT_TASK_API_OPEN.*unset BACKLOT_TASK_API_OPEN/);
    expect(() => checkOpenApi({ isOpen: false, host, publicUrl })).not.toThrow();
  });

  it.each([
    ["127.0.0.1", undefined],
    ["::1", "http://localhost:8000"],
    ["localhost", "http://127.0.0.1:8000"],
  ])("starts at %s shown as %s", (host, publicUrl) => {
    expect(() => checkOpenApi({ isOpen: true, host, publicUrl })).not.toThrow();
  });
});
