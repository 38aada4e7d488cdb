import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SiteView } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import { type FakeManager, fakeToken, startFakeManager } from "../../test/support/cli-fake-manager.ts";
import { fakeTerminal } from "../../test/support/cli-fake-terminal.ts";
import { operationViewOf, siteViewOf } from "../../test/support/cli-views.ts";
import { runCli } from "./main.ts";

let root: string;
let folder: string;
let manager: FakeManager;
let sites: SiteView[];
let archives: Buffer[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "backlot-deploy-"));
  folder = join(root, "demo");
  await mkdir(folder);
  await writeFile(join(folder, "index.html"), "<h1>hello</h1>");
  sites = [siteViewOf("demo")];
  archives = [];
  manager = await startFakeManager({
    "sites.read": ({ params }) => {
      const site = sites.find(({ name }) => name === params.name);
      if (site === undefined) throw new Failure("site_not_found");
      return { site };
    },
    "sites.create": ({ body }) => {
      const { name, kind } = body as SiteView;
      sites.push(siteViewOf(name, { kind }));
      return { site: siteViewOf(name, { kind }), operation: operationViewOf("create", "succeeded") };
    },
    "deployments.create": ({ bytes }) => {
      archives.push(bytes);
      return { operation: operationViewOf("deploy", "succeeded") };
    },
  });
});
afterEach(async () => {
  await manager[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

async function deploy(...argv: readonly string[]) {
  const terminal = fakeTerminal({ isTty: argv.includes("tty") });
  const environment = { HOME: root, BACKLOT_SERVER: manager.url, BACKLOT_TOKEN: fakeToken };
  const exitCode = await runCli(["deploy", folder, ...argv.filter((word) => word !== "tty")], environment, terminal);
  return { exitCode, out: terminal.outText(), err: terminal.errText() };
}

async function placed(): Promise<string[]> {
  const target = await mkdtemp(join(root, "out-"));
  await writeFile(join(root, "a.tgz"), archives.at(-1) ?? "");
  execFileSync("tar", ["-xzf", join(root, "a.tgz"), "-C", target]);
  return (await readdir(target, { recursive: true })).sort();
}

test("a static site's folder without public/ goes under public/, and the command says so", async () => {
  const { exitCode, out, err } = await deploy();
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: "http://demo.localhost:8080/\n" });
  expect(err).toContain("There is no public/ in the folder, so its files go under public/");
  expect(await placed()).toEqual(["public", "public/index.html"]);
});

test("a folder with public/, and a dynamic site's, is sent as it is", async () => {
  await mkdir(join(folder, "public"));
  await deploy();
  expect(await placed()).toEqual(["index.html", "public"]);
  sites = [siteViewOf("demo", { kind: "dynamic" })];
  await rm(join(folder, "public"), { recursive: true });
  await deploy();
  expect(await placed()).toEqual(["index.html"]);
});

test("a site that is missing is named with what to do, or created by --create in the kind that the folder shows", async () => {
  const missing = await deploy("--site", "other");
  expect(missing).toMatchObject({ exitCode: 4, err: expect.stringContaining("Make it by `backlot create other --kind static`") });
  await writeFile(join(folder, "run.sh"), "");
  expect((await deploy("--site", "other", "--create")).exitCode).toBe(0);
  expect(sites.at(-1)).toMatchObject({ name: "other", kind: "dynamic" });
});

test("the answer as JSON holds counts and the operation; a terminal gets a bar", async () => {
  const answer = JSON.parse((await deploy("--json")).out);
  expect(answer).toMatchObject({ site: { name: "demo" }, files: 1, bytes: 14, operation: { kind: "deploy", state: "succeeded" } });
  expect((await deploy("tty")).err).toContain("100 %");
});

test("a folder whose name is no site name, one that is empty, and one that is not there are refused in words", async () => {
  const odd = join(root, "Ünfit Name");
  await mkdir(odd);
  folder = odd;
  expect(await deploy()).toMatchObject({ exitCode: 2, err: expect.stringContaining("Say which site is meant: --site NAME") });
  expect(await deploy("--site", "demo")).toMatchObject({ exitCode: 2, err: expect.stringContaining("nothing to deploy") });
  folder = join(root, "nowhere");
  expect(await deploy("--site", "demo")).toMatchObject({ exitCode: 2, err: expect.stringContaining("There is no folder") });
  expect(archives).toEqual([]);
});

test("a refusal by the server is told with its own sentence", async () => {
  manager.handlers["deployments.create"] = () => {
    throw new Failure("quota_exceeded", { detail: "1 GB used" });
  };
  expect(await deploy()).toMatchObject({ exitCode: 1, err: expect.stringContaining("error: The site is full: 1 GB used.") });
});
