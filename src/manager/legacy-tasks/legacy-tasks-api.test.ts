import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { defaultRunLimits } from "#contract/task.ts";
import type { Task } from "#core/tasks/task.ts";
import { FakeLegacyTaskStore } from "../../../test/support/fake-legacy-task-store.ts";
import { LegacyTasksBench } from "../../../test/support/legacy-tasks-bench.ts";

const touch = { script: "touch.sh", arguments: { "": "sample_file.txt" } };
let bench: LegacyTasksBench;

beforeEach(async () => {
  bench = await new LegacyTasksBench().serve();
});
afterEach(() => bench.app.close());

describe("creating a task", () => {
  it("answers 201 with the row as Python writes it, and queues it for the home folder", async () => {
    const answer = await bench.send(touch);
    expect(answer.statusCode).toBe(201);
    expect(answer.headers["content-type"]).toBe("application/json");
    const uid = bench.tasks.created[0]?.uid;
    expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(answer.body).toBe(
      `{"id": 1, "uid": "${uid}", "created": "2018-12-23T21:26:14.356000Z", "script": "touch.sh", "arguments": {"": "sample_file.txt"}, ` +
        '"started": null, "finished": null, "diskspace_before": null, "diskspace_after": null, "retcode": null}',
    );
    expect(bench.tasks.created).toEqual([
      {
        uid,
        siteId: null,
        program: { kind: "script", path: "touch.sh" },
        arguments: ["sample_file.txt"],
        legacy: { script: "touch.sh", arguments: [["", "sample_file.txt"]] },
        sealedEnvironment: null,
        environmentNames: [],
        priority: 0,
        retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
        limits: defaultRunLimits,
        scriptConcurrency: null,
        createdById: 1,
        scheduleId: null,
        rerunOf: null,
        idempotencyKey: null,
        runAt: null,
      },
    ]);
    expect(bench.audit).toMatchObject([{ actorId: 1, actorName: "root", action: "tasks.create", details: { uid, script: "touch.sh" } }]);
  });

  it.each([
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin-1",
    "nonsense",
    ";;",
    "",
  ])("reads the body as JSON in UTF-8 whatever its type says: %j", async (type) => {
    const answer = await bench.send('{"script": "touch.sh", "arguments": {"": "héllo"}}', { "content-type": type });
    expect(answer.statusCode).toBe(201);
    expect(answer.body).toContain('"arguments": {"": "h\\u00e9llo"}');
    expect(bench.tasks.created[0]?.arguments).toEqual(["héllo"]);
  });

  it("takes what the script's own manual says", async () => {
    bench.manuals["touch.sh"] = {
      timeoutSeconds: 5,
      priority: 7,
      concurrency: 2,
      retry: { retries: 3, delaySeconds: 1, onLost: "retry" },
      limits: { pids: 9 },
    };
    await bench.send(touch);
    expect(bench.tasks.created[0]).toMatchObject({
      priority: 7,
      scriptConcurrency: 2,
      retry: { retries: 3, delaySeconds: 1, onLost: "retry" },
      limits: { ...defaultRunLimits, timeoutMs: 5000, pids: 9 },
    });
  });

  it("takes a task while nobody can tell what stands beside the script", async () => {
    await bench.serve({
      scripts: {
        find: async () => {
          throw new Failure("component_away", { component: "orchestrator" });
        },
      },
    });
    expect((await bench.send(touch)).statusCode).toBe(201);
    expect(bench.tasks.created[0]?.limits).toEqual(defaultRunLimits);
  });

  it.each([
    ["{", /^\{"detail": "JSON parse error - .+"\}$/],
    ["", /^\{"detail": "JSON parse error - .+"\}$/],
    ['{"script": "ls.sh", "arguments": {"": NaN}}', /^\{"detail": "JSON parse error - .+"\}$/],
    ['{"script": "ls.sh", "arguments": {"": 1e999}}', /^\{"detail": "JSON parse error - the number 1e999 is too large"\}$/],
    [`{"script": "ls.sh", "arguments": ${"[".repeat(5000)}${"]".repeat(5000)}}`, /nested deeper than 200 levels/],
    ["[]", /^\{"non_field_errors": \["Invalid data. Expected a dictionary, but got list."\]\}$/],
    ['"x"', /^\{"non_field_errors": \["Invalid data. Expected a dictionary, but got str."\]\}$/],
    ["{}", /^\{"script": \["This field is required."\], "arguments": \["This field is required."\]\}$/],
    ['{"script": "ls.sh", "arguments": {"": "it\'s"}}', /^\{"arguments": \["A quotation mark in it is not closed."\]\}$/],
    [`{"script": "ls.sh", "arguments": {"": "${"x".repeat(40_000)}"}}`, /^\{"arguments": \["Ensure this field has no more than 32768 characters."\]\}$/],
    ["x".repeat(1_100_000), /^\{"detail": "The body is larger than 1048576 bytes."\}$/],
  ])("answers 400, not 500, to %.60s", async (body, expected) => {
    const answer = await bench.send(body);
    expect([answer.statusCode, answer.headers["content-type"]]).toEqual([400, "application/json"]);
    expect(answer.body).toMatch(expected);
    expect(bench.tasks.created).toEqual([]);
  });

  it("answers 400 to a body that is not UTF-8", async () => {
    const answer = await bench.ask("POST", "/task/create", { payload: Buffer.from([0x7b, 0xff, 0x7d]) });
    expect([answer.statusCode, answer.body]).toEqual([400, '{"detail": "JSON parse error - the body is not UTF-8"}']);
  });

  it("takes a script that nobody knows, and one that leads out, which is never run", async () => {
    expect((await bench.send({ script: "nothing.sh", arguments: {} })).statusCode).toBe(201);
    const answer = await bench.send({ script: "../../bin/ls", arguments: {} });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toMatchObject({ script: "../../bin/ls" });
    expect(bench.tasks.created[1]?.program).toEqual({ kind: "script", path: `no such script (${bench.tasks.created[1]?.uid})` });
  });

  it("hands the line to a shell where commands are switched on", async () => {
    await bench.serve({ allowsCommands: true });
    await bench.send({ script: "echo", arguments: { "": "Hello World!" } });
    expect(bench.tasks.created[0]?.program).toEqual({ kind: "script", path: "echo", orCommand: "echo Hello World!", shellArguments: "Hello World!" });
  });

  it("takes no results from a client", async () => {
    const answer = await bench.send({ ...touch, retcode: 0, finished: "2018-12-24T05:28:12Z", id: 9, uid: "x" });
    expect(answer.json()).toMatchObject({ id: 1, retcode: null, finished: null });
  });

  it("says when too many wait", async () => {
    await bench.serve({
      tasks: Object.assign(new FakeLegacyTaskStore(() => bench.now), {
        create: async () => {
          throw new Failure("task_limit_reached", { count: 10 });
        },
      }),
    });
    const answer = await bench.send(touch);
    expect([answer.statusCode, answer.json()]).toEqual([409, { detail: expect.stringContaining("10 tasks wait already") }]);
  });

  it.each(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])("is not for %s: 405 with nothing in it", async (method) => {
    const answer = await bench.ask(method, "/task/create");
    expect([answer.statusCode, answer.body, answer.headers.allow]).toEqual([405, "", undefined]);
  });
});

describe("looking at tasks", () => {
  let uid: string;
  beforeEach(async () => {
    uid = (await bench.send(touch)).json<{ uid: string }>().uid;
  });

  it("finds one by its number, leading zeros too, and by its uid in every form", async () => {
    const { body } = await bench.get("/task/view/pk:1");
    expect(body).toMatch(/^\{"id": 1, /);
    expect((await bench.get("/task/view/pk:0001")).body).toBe(body);
    for (const form of [uid, uid.toUpperCase(), uid.replaceAll("-", ""), `%7B${uid}%7D`, `urn:uuid:${uid}`]) {
      const answer = await bench.get(`/task/view/uid:${form}`);
      expect([answer.statusCode, answer.headers["content-type"], answer.body]).toEqual([200, "application/json", body]);
    }
  });

  it.each([
    "/task/view/pk:2",
    "/task/view/pk:99999999999999999999",
    "/task/view/uid:604a5e38-06f9-11e9-a0e9-0242ac140004",
    "/task/view/pk:x",
    "/task/create/",
    "/task/nothing",
  ])("answers 404 with nothing in it to %s", async (url) => {
    const answer = await bench.get(url);
    expect([answer.statusCode, answer.body]).toEqual([404, ""]);
  });

  it("answers 400 in plain text to what is no uid: nothing of it is HTML", async () => {
    const answer = await bench.get("/task/view/uid:%3Cimg%20src=x%20onerror=alert(1)%3E");
    expect([answer.statusCode, answer.headers["content-type"], answer.headers["x-content-type-options"]]).toEqual([
      400,
      "text/plain; charset=utf-8",
      "nosniff",
    ]);
    expect(answer.body).toBe("'<img src=x onerror=alert(1)>' is not a valid UUID.");
  });

  it("lists and counts those of a UTC day", async () => {
    bench.now = new Date("2018-12-24T00:00:00Z");
    await bench.send({ script: "mkdir.sh", arguments: { "-p": "", "": "sample_dir" } });
    const list = await bench.get("/task/view/date:20181223");
    expect([list.statusCode, list.headers["content-type"]]).toEqual([200, "application/json"]);
    expect(list.body).toMatch(/^\[\{"id": 1, .*"arguments": "\{'': 'sample_file.txt'\}", .*\}\]$/);
    expect((await bench.get("/task/view/date:today")).body).toMatch(/^\[\{"id": 2, .*"arguments": "\{'-p': '', '': 'sample_dir'\}"/);
    const count = await bench.get("/task/view/date:20181223/count");
    expect([count.body, count.headers["content-type"]]).toEqual(["1", "application/json"]);
    expect((await bench.get("/task/view/date:today/count")).body).toBe("1");
    await bench.send(touch);
    expect((await bench.get("/task/view/date:today")).body).toMatch(/^\[\{"id": 2, .*\}, \{"id": 3, [^[\]]*\}\]$/);
    expect((await bench.get("/task/view/date:20181222")).body).toBe("[]");
    expect((await bench.get("/task/view/date:20181222/count")).body).toBe("0");
  });

  it.each(["2018-12-23", "20181301", "%20", "yesterday"])("answers 400 to the date %s, with the original's misspelling", async (date) => {
    for (const url of [`/task/view/date:${date}`, `/task/view/date:${date}/count`]) {
      const answer = await bench.get(url);
      expect([answer.statusCode, answer.body]).toEqual([400, "Invalid date. Use YYYMMDD."]);
    }
  });

  it.each(["POST", "PUT", "DELETE", "HEAD"])("is only for GET: %s of what is there is 405, of what is not 404", async (method) => {
    for (const url of ["/task/view/pk:1", `/task/view/uid:${uid}`, "/task/view/date:today", "/task/view/date:today/count"]) {
      expect((await bench.ask(method, url)).statusCode).toBe(405);
    }
    expect((await bench.ask(method, "/task/view/pk:2")).statusCode).toBe(404);
    expect((await bench.ask(method, "/task/view/uid:x")).statusCode).toBe(400);
  });

  it("greets", async () => {
    const answer = await bench.get("/task/");
    expect([answer.statusCode, answer.headers["content-type"], answer.body]).toEqual([200, "text/html; charset=utf-8", "Hello, world"]);
  });
});

describe("the charts", () => {
  it.each(["2026-01-31", "2026-02-28", "2028-02-29", "2026-04-30"])("show every day of the month of %s", async (last) => {
    bench.now = new Date(`${last}T23:59:59.500Z`);
    await bench.send(touch);
    bench.tasks.change(1, { finishedAt: bench.now, result: { diskAfterBytes: 3_196_328 * 1024 } as Task["result"] });
    const days = Number(last.slice(8));
    const daily = await bench.get("/task/charts/daily");
    expect([daily.statusCode, daily.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(daily.body).toContain("<h1>Daily Task Count Data This Month</h1>");
    expect(daily.body.match(/<tr><th scope="row">/g)).toHaveLength(days);
    expect(daily.body).toContain(`<tr><th scope="row">${last}</th><td>1</td></tr>`);
    const disk = await bench.get("/task/charts/disk");
    expect(disk.body).toContain("<h1>Disk Space Remaining This Month</h1>");
    expect(disk.body).toContain(`<tr><th scope="row">1</th><td>${last} 23:59</td><td>3\u202f196\u202f328</td></tr>`);
  });

  it("load and run nothing, and their one style sheet is let through by its hash", async () => {
    for (const url of ["/task/charts/daily", "/task/charts/disk"]) {
      const answer = await bench.get(url);
      expect(answer.headers["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+='; /);
      expect(answer.body).not.toMatch(/<script|\bsrc=|https?:|@import|\bstyle="/);
    }
  });

  it("answer 405 to what is not reading, and say so", async () => {
    const answer = await bench.ask("POST", "/task/charts/daily");
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect((await bench.ask("OPTIONS", "/task/charts/disk")).statusCode).toBe(200);
    expect((await bench.ask("HEAD", "/task/charts/disk")).statusCode).toBe(200);
  });
});
