import { expect, it } from "vitest";
import { probeInterpreters } from "./interpreters.ts";
import { findProgram } from "./machine-programs.ts";

it("names the interpreters that a sandbox shows, with the Node that runs us first among them", async () => {
  const found = await probeInterpreters();
  if (findProgram("bwrap") !== null) expect(found.node).toBe(process.versions.node);
  for (const version of Object.values(found)) expect(version).toMatch(/^\d+(\.\d+)+$/);
  expect("python3" in found).toBe(findProgram("python3") !== null);
});
