import { expect, it } from "vitest";
import { agreedVersion, connectionOf, isAtLeast, isAway } from "./engine.ts";

it.each([
  ["1.41", "1.12", "1.41"],
  ["1.44", "1.24", "1.44"],
  ["1.47", "1.24", "1.47"],
  ["1.52", "1.44", "1.47"],
])("speaks the newest version that an engine of %s (oldest %s) and we know: %s", (theirs, oldest, agreed) => {
  expect(agreedVersion(theirs, oldest)).toBe(agreed);
});

it("refuses engines that are too old, or too new, in words", () => {
  expect(() => agreedVersion("1.40", "1.12")).toThrow(/1\.41 \(Docker 20\.10\) is needed/);
  expect(() => agreedVersion("1.60", "1.48")).toThrow(/no version of its API before 1\.48/);
});

it("compares versions as numbers", () => {
  expect(isAtLeast("1.100", "1.46")).toBe(true);
  expect(isAtLeast("1.9", "1.46")).toBe(false);
});

it("finds an engine by the usual addresses, and says what is none", () => {
  expect(connectionOf({ host: "unix:///run/docker.sock" })).toEqual({ socketPath: "/run/docker.sock" });
  expect(connectionOf({ host: "tcp://10.0.0.1:2376" })).toEqual({ host: "10.0.0.1", port: 2376, protocol: "http" });
  expect(connectionOf({ host: "tcp://10.0.0.1" })).toMatchObject({ port: 2375 });
  expect(() => connectionOf({ host: "ssh://somewhere" })).toThrow(/DOCKER_HOST is ssh:\/\/somewhere/);
});

it("tells an engine that is away from one that refuses", () => {
  const failed = (more: object): Error => Object.assign(new Error("failed"), more);
  expect(isAway(failed({ code: "ECONNREFUSED" }))).toBe(true);
  expect(isAway(failed({ statusCode: 503 }))).toBe(true);
  expect(isAway(failed({ statusCode: 404 }))).toBe(false);
  expect(isAway(new Error("rpc error: The swarm does not have a leader."))).toBe(true);
});
