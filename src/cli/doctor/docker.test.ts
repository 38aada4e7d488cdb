import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkDocker } from "./docker.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "backlot-docker-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** An engine that answers what the doctor asks. */
async function engine(
  name: string,
  says: { readonly api?: string; readonly swarm: string; readonly manages: boolean },
): Promise<{ readonly host: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const version = { Version: "20.10.24+dfsg1", ApiVersion: says.api ?? "1.41", MinAPIVersion: "1.12" };
    const info = { Swarm: { LocalNodeState: says.swarm, ControlAvailable: says.manages } };
    response.end(JSON.stringify(request.url === "/version" ? version : info));
  });
  const path = join(folder, name);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { host: `unix://${path}`, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

test("an engine that is not used is only told of, whether it is there or not", async () => {
  await using found = await engine("unused.sock", { swarm: "inactive", manages: false });
  const nowhere = `unix://${folder}/nowhere.sock`;
  expect(await checkDocker({ DOCKER_HOST: nowhere })).toEqual({
    name: "docker",
    state: "info",
    detail: `not used: programs run as processes of this machine; no engine answers at ${nowhere}`,
  });
  expect(await checkDocker({ DOCKER_HOST: found.host, BACKLOT_RUNTIME: "process" })).toMatchObject({
    state: "info",
    detail: expect.stringContaining("Docker 20.10.24+dfsg1 (API 1.41) answers; its swarm is inactive"),
  });
  expect(await checkDocker({ DOCKER_HOST: "ssh://elsewhere" })).toMatchObject({ state: "info" });
});

test("an engine that is to be used has to be there, new enough, and in a swarm", async () => {
  const used = { BACKLOT_RUNTIME: "swarm" };
  expect(await checkDocker({ ...used, DOCKER_HOST: `unix://${folder}/nowhere.sock` })).toMatchObject({
    state: "missing",
    advice: expect.stringContaining("DOCKER_HOST"),
  });
  await using inactive = await engine("inactive.sock", { swarm: "inactive", manages: false });
  expect(await checkDocker({ ...used, DOCKER_HOST: inactive.host })).toMatchObject({ state: "missing", advice: expect.stringContaining("docker swarm init") });
  await using old = await engine("old.sock", { api: "1.40", swarm: "active", manages: true });
  expect(await checkDocker({ ...used, DOCKER_HOST: old.host })).toMatchObject({ state: "missing", advice: "Install Docker 20.10 or later." });
  await using manager = await engine("manager.sock", { swarm: "active", manages: true });
  expect(await checkDocker({ ...used, DOCKER_HOST: manager.host })).toEqual({
    name: "docker",
    state: "ok",
    detail: "Docker 20.10.24+dfsg1 (API 1.41) answers; it manages a swarm",
  });
  await using worker = await engine("worker.sock", { swarm: "active", manages: false });
  expect(await checkDocker({ ...used, DOCKER_HOST: worker.host })).toMatchObject({
    state: "missing",
    advice: expect.stringContaining("BACKLOT_SWARM_MANAGER"),
  });
  expect(await checkDocker({ ...used, DOCKER_HOST: worker.host, BACKLOT_SWARM_MANAGER: manager.host })).toMatchObject({ state: "ok" });
});
