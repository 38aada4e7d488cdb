import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startFakeManager } from "../../../test/support/cli-fake-manager.ts";
import { fakeTerminal } from "../../../test/support/cli-fake-terminal.ts";
import { runCli } from "../main.ts";
import type { Check } from "./check.ts";
import { checkFtp } from "./ftp.ts";
import { checkIsolation } from "./isolation.ts";
import { tryProgram } from "./try-program.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-doctor-"));
});
afterEach(() => rm(home, { recursive: true }));

async function doctor(environment: Record<string, string>) {
  const terminal = fakeTerminal();
  const exitCode = await runCli(
    ["doctor", "--json"],
    { HOME: home, BACKLOT_DATA: home, BACKLOT_PORT: "0", BACKLOT_ROUTER_PORT: "0", BACKLOT_FTP_PORT: "0", BACKLOT_SSH_PORT: "0", ...environment },
    terminal,
  );
  const { checks } = JSON.parse(terminal.outText().split("\n")[0] ?? "") as { checks: Check[] };
  return { exitCode, byName: new Map(checks.map((check) => [check.name, check])) };
}

test("every line that is not in order says what to do", async () => {
  const { byName } = await doctor({});
  const parts = ["node", "system", "postgresql", "redis", "docker", "haproxy", "nginx", "bubblewrap", "user namespaces", "cgroups", "freezing", "interpreters"];
  for (const name of [...parts, "disk", "SSH door", "server"]) expect([...byName.keys()]).toContain(name);
  for (const check of byName.values()) if (check.state === "missing" || check.state === "limited") expect(check).toHaveProperty("advice");
  expect(byName.get("postgresql")).toMatchObject({ state: "ok", detail: expect.stringContaining("PostgreSQL") });
});

test("the line of control groups says whether sandboxes of tasks are kept, as only root's are", async () => {
  const said = async (isRoot: boolean) => (await checkIsolation(isRoot)).find(({ name, state }) => name === "cgroups" && state === "ok")?.detail;
  // Where this user has none to write to, there is nothing to say.
  const [root, other] = [await said(true), await said(false)];
  if (root !== undefined) expect(root).toMatch(/^version (1, writable; sandboxes of tasks are kept|2, writable; each task gets a new sandbox)/);
  if (other !== undefined) expect(other).toMatch(/^version [12], writable; each task gets a new sandbox/);
});

test("a port that another program holds is missing, one that this Backlot holds is not", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const address = holder.address();
  const port = String(typeof address === "object" ? address?.port : "");
  const taken = await doctor({ BACKLOT_PORT: port });
  expect(taken.exitCode).toBe(1);
  expect(taken.byName.get("dashboard door")).toMatchObject({ state: "missing", advice: expect.stringContaining("BACKLOT_PORT") });
  await writeFile(join(home, "endpoints.json"), JSON.stringify({ manager: `http://127.0.0.1:${port}`, router: "http://127.0.0.1:1" }));
  expect((await doctor({ BACKLOT_PORT: port, BACKLOT_SERVER: "http://127.0.0.1:1" })).byName.get("dashboard door")).toMatchObject({ state: "ok" });
  await new Promise((resolve) => holder.close(resolve));
});

test("FTP's door and its TLS are looked at like the others", async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
  const address = holder.address();
  const port = String(typeof address === "object" ? address?.port : "");
  const { byName } = await doctor({ BACKLOT_FTP_PORT: port });
  expect(byName.get("FTP door")).toMatchObject({ state: "missing", advice: expect.stringContaining("BACKLOT_FTP_PORT") });
  expect(byName.get("FTP and FTPS")).toMatchObject({ state: "ok", detail: "TLS with a certificate that it has signed itself" });
  // The one that this Backlot holds is no problem.
  await writeFile(join(home, "endpoints.json"), JSON.stringify({ ftp: `127.0.0.1:${port}` }));
  expect((await doctor({ BACKLOT_FTP_PORT: port })).byName.get("FTP door")).toMatchObject({ state: "ok" });
  await new Promise((resolve) => holder.close(resolve));
});

test("a certificate that was given for FTP is named", () => {
  expect(checkFtp({ BACKLOT_FTP_CERTIFICATE: "c.pem" })).toMatchObject({ state: "ok", detail: "TLS with BACKLOT_FTP_CERTIFICATE" });
});

test("a server that answers is named; without a sign-in nothing more is asked", async () => {
  await using manager = await startFakeManager({});
  const { byName } = await doctor({ BACKLOT_SERVER: manager.url });
  expect(byName.get("server")).toMatchObject({ state: "limited" });
  expect(byName.get("sign-in")).toMatchObject({ state: "info" });
});

test("a program that hangs or is missing ends the trial", async () => {
  expect(await tryProgram("sleep", ["60"], 50)).toMatchObject({ isFine: false, isThere: true });
  expect(await tryProgram("no-such-program-here", [])).toMatchObject({ isFine: false, isThere: false });
});
