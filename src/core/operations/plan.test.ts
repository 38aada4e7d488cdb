import { expect, test } from "vitest";
import { planOperation, stepsOf } from "./plan.ts";

const dynamic = { kind: "dynamic", canRunTwice: true } as const;
const single = { kind: "dynamic", canRunTwice: false } as const;
const still = { kind: "static", canRunTwice: true } as const;

test("creating from a starter copies its files before the address is published", () => {
  expect(stepsOf("create", { starter: "node" }, dynamic)).toEqual(["apply", "starter", "publish", "activate"]);
  expect(stepsOf("create", { starter: null }, still)).toEqual(["apply", "publish", "activate"]);
});

test("a restart starts the new instance before the old one is stopped", () => {
  expect(stepsOf("restart", {}, dynamic)).toEqual(["start", "switch", "retire"]);
});

test("a program that cannot run twice is restarted while visitors wait", () => {
  expect(stepsOf("restart", {}, single)).toEqual(["hold", "start", "release"]);
});

test("sleeping holds visitors back before the program is stopped", () => {
  expect(stepsOf("sleep", {}, dynamic)).toEqual(["hold", "stop", "release"]);
});

test("visitors are led away from a program that there will not be any more before it ends, and to a new one after it may begin", () => {
  expect(stepsOf("configure", { needsRestart: false, losesProgram: true }, still)).toEqual(["publish", "apply"]);
  expect(stepsOf("configure", { needsRestart: true }, dynamic)).toEqual(["apply", "publish", "refresh"]);
});

test("deleting takes the address away before the files", () => {
  expect(stepsOf("delete", {}, dynamic)).toEqual(["withdraw", "remove", "dropDatabase", "forget"]);
});

test("a program learns of its database when that is there, and has let go of it before it goes", () => {
  expect(stepsOf("add-database", {}, dynamic)).toEqual(["makeDatabase", "apply", "refresh"]);
  expect(stepsOf("change-database-password", {}, dynamic)).toEqual(["changePassword", "apply", "refresh"]);
  expect(stepsOf("delete-database", {}, dynamic)).toEqual(["apply", "hold", "stop", "release", "dropDatabase"]);
  expect(stepsOf("delete-database", {}, still)).toEqual(["apply", "dropDatabase"]);
});

test("only dynamic sites have a program to restart after a deployment", () => {
  expect(stepsOf("deploy", { uploadId: "x" }, still)).toEqual(["unpack", "place"]);
  expect(stepsOf("deploy", { uploadId: "x" }, dynamic)).toEqual(["unpack", "place", "refresh"]);
});

test("a planned operation carries titles for people", () => {
  expect(planOperation({ id: "id", kind: "wake", input: {}, subject: dynamic, requestedById: 7 })).toEqual({
    id: "id",
    kind: "wake",
    requestedById: 7,
    input: {},
    steps: [{ name: "wake", title: "Start the program" }],
  });
});
