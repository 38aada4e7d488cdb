import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkDocker } from "./docker.ts";
import { checkSwarmBridge, checkSwarmGroups } from "./swarm-engine.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-docker-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** An engine that answers what the doctor asks. */
async function engine(
  name: string,
  says: { readonly api?: string; readonly swarm: string; readonly manages: boolean; readonly driver?: string; readonly subnet?: string },
): Promise<{ readonly host: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const version = { Version: "20.10.24+dfsg1", ApiVersion: says.api ?? "1.41", MinAPIVersion: "1.12" };
    const info = {
      Swarm: { LocalNodeState: says.swarm, ControlAvailable: says.manages },
      CgroupDriver: says.driver ?? "cgroupfs",
      SwapLimit: true,
    };
    const bridge = { Name: "bridge", IPAM: { Config: [{ Subnet: says.subnet ?? "172.17.0.0/16" }] } };
    const answers: Readonly<Record<string, unknown>> = { "/version": version, "/info": info, "/networks/bridge": bridge };
    response.end(JSON.stringify(answers[request.url ?? ""]));
  });
  const path = join(folder, name);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { host: `unix://${path}`, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** What is said of the engine itself. */
const first = async (environment: Readonly<Record<string, string>>) => (await checkDocker(environment))[0];

test("an engine that is not used is only told of, whether it is there or not", async () => {
  await using found = await engine("unused.sock", { swarm: "inactive", manages: false });
  const nowhere = `unix://${folder}/nowhere.sock`;
  expect(await checkDocker({ DOCKER_HOST: nowhere })).toEqual([
    { name: "docker", state: "info", detail: `not used: programs run as processes of this machine; no engine answers at ${nowhere}` },
  ]);
  expect(await first({ DOCKER_HOST: found.host, BACKLOT_RUNTIME: "process" })).toMatchObject({
    state: "info",
    detail: expect.stringContaining("Docker 20.10.24+dfsg1 (API 1.41) answers; its swarm is inactive"),
  });
  expect(await first({ DOCKER_HOST: "ssh://elsewhere" })).toMatchObject({ state: "info" });
});

test("an engine that is to be used has to be there, new enough, and in a swarm", async () => {
  const used = { BACKLOT_RUNTIME: "swarm" };
  expect(await first({ ...used, DOCKER_HOST: `unix://${folder}/nowhere.sock` })).toMatchObject({
    state: "missing",
    advice: expect.stringContaining("DOCKER_HOST"),
  });
  await using inactive = await engine("inactive.sock", { swarm: "inactive", manages: false });
  expect(await first({ ...used, DOCKER_HOST: inactive.host })).toMatchObject({ state: "missing", advice: expect.stringContaining("docker swarm init") });
  await using old = await engine("old.sock", { api: "1.40", swarm: "active", manages: true });
  expect(await first({ ...used, DOCKER_HOST: old.host })).toMatchObject({ state: "missing", advice: "Install Docker 20.10 or later." });
  await using manager = await engine("manager.sock", { swarm: "active", manages: true });
  expect(await first({ ...used, DOCKER_HOST: manager.host })).toEqual({
    name: "docker",
    state: "ok",
    detail: "Docker 20.10.24+dfsg1 (API 1.41) answers; it manages a swarm",
  });
  await using worker = await engine("worker.sock", { swarm: "active", manages: false });
  expect(await first({ ...used, DOCKER_HOST: worker.host })).toMatchObject({
    state: "missing",
    advice: expect.stringContaining("BACKLOT_SWARM_MANAGER"),
  });
  expect(await first({ ...used, DOCKER_HOST: worker.host, BACKLOT_SWARM_MANAGER: manager.host })).toMatchObject({ state: "ok" });
});

test("an engine that is used says how far it bounds programs, and how many it carries", async () => {
  await using roomy = await engine("roomy.sock", { swarm: "active", manages: true });
  expect((await checkDocker({ BACKLOT_RUNTIME: "swarm", DOCKER_HOST: roomy.host })).map(({ name, state }) => `${name}: ${state}`)).toEqual([
    "docker: ok",
    "docker groups: ok",
    "docker swap: ok",
    "docker bridge: ok",
  ]);
  await using small = await engine("small.sock", { swarm: "active", manages: true, driver: "systemd", subnet: "172.30.0.0/24" });
  const [, groups, , bridge] = await checkDocker({ BACKLOT_RUNTIME: "swarm", DOCKER_HOST: small.host });
  expect(groups).toMatchObject({ state: "limited", advice: expect.stringContaining("native.cgroupdriver=cgroupfs") });
  expect(bridge).toMatchObject({ state: "info", detail: expect.stringMatching(/172\.30\.0\.0\/24 has addresses for 253 .* ports for 1023/) });
});

test("swap that nobody counts is told, unless there is none", () => {
  const swapOf = (countsSwap: boolean, swapBytes: number) => checkSwarmGroups({ driver: "cgroupfs", countsSwap, swapBytes })[1];
  expect(swapOf(true, 1_000_000_000)).toMatchObject({ state: "ok", detail: expect.stringContaining("is counted") });
  expect(swapOf(false, 0)).toMatchObject({ state: "ok", detail: expect.stringContaining("has no swap") });
  expect(swapOf(false, 1_000_000_000)).toMatchObject({
    state: "limited",
    detail: expect.stringContaining("goes on in it"),
    advice: expect.stringContaining("swapaccount=1"),
  });
  expect(checkSwarmBridge(null)).toMatchObject({ state: "limited", advice: expect.stringContaining("bridge=none") });
});
