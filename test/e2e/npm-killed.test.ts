import { delimiter } from "node:path";
import { expect, test } from "vitest";
import { checkout, startBacklot } from "../support/backlot.ts";

test("whoever ends npm start, by kill -9 or in order, ends all of Backlot, and can start it again at once", async () => {
  const path = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  await using backlot = await startBacklot({ command: ["npm", "start"], cwd: checkout, environment: { PATH: path.join(delimiter) }, hasOwnGroup: true });
  const admin = await backlot.admin();
  await admin.createSite("kept", "static", "static");
  const before = backlot.processes().map(({ pid }) => pid);
  await backlot.kill("SIGKILL");
  // What was left of the first one gives way to the second, which waits for it.
  await backlot.start();
  expect((await backlot.visit("kept")).status).toBe(200);
  const after = backlot.processes().map(({ pid }) => pid);
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  await backlot.kill("SIGTERM");
  await backlot.noneLeft(20_000);
}, 240_000);
