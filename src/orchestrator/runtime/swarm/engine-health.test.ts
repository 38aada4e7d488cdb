import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EngineHealth, placeTrouble } from "./engine-health.ts";

test.each([
  ["as before", { LocalNodeState: "active", NodeID: "a" }, null],
  ["another node", { LocalNodeState: "active", NodeID: "b" }, "The Docker engine is another node of the swarm than before: start the orchestrator again."],
  ["no node", { LocalNodeState: "inactive" }, "The Docker engine is in no swarm any more: let it join again, and start the orchestrator again."],
  ["not yet one", { LocalNodeState: "pending" }, "The Docker engine has not found its swarm (pending)."],
  ["locked", { LocalNodeState: "locked", Error: "Swarm is encrypted" }, "The Docker engine has not found its swarm (locked: Swarm is encrypted)."],
] as const)("an engine that is %s in its swarm says so", (_name, swarm, words) => {
  expect(placeTrouble(swarm, "a")).toBe(words);
});

test("an engine that is not there, or accepts a question and never answers it, is told apart from a slow one", async () => {
  const folder = await mkdtemp(join(tmpdir(), "backlot-health-"));
  const socket = join(folder, "docker.sock");
  const host = `unix://${socket}`;
  expect(await new EngineHealth({ host }).trouble(null)).toMatch(/^The Docker engine at unix:.*docker\.sock does not answer: connect ENOENT/);
  const silent = createServer((connection) => connection.on("error", () => connection.destroy()));
  await new Promise<void>((resolve) => {
    silent.listen(socket, resolve);
  });
  // It may be slow for all that is known yet.
  expect(await new EngineHealth({ host }).trouble(null)).toBeNull();
  expect(await new EngineHealth({ host }, { silentMs: 100 }).trouble(null)).toBe(`The Docker engine at ${host} accepts questions and answers none.`);
  silent.close();
  await rm(folder, { recursive: true });
});
