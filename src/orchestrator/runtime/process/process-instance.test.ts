import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { groupFreezer } from "./group-freezer.ts";
import { ProcessInstance } from "./process-instance.ts";

/** A program that ends by force only, and cannot be let go on. */
function stuckProgram() {
  const ended = Promise.withResolvers<{ readonly code: null; readonly signal: NodeJS.Signals }>();
  const told: string[] = [];
  const program = new ProcessInstance({
    ...{ siteId: 1, instance: "a", address: { host: "127.0.0.1", port: 1 }, target: { address: "127.0.0.1", port: 1 } },
    launched: { ended: ended.promise, output: Promise.resolve() },
    tree: {
      ...{ isGone: () => told.includes("killed"), members: () => [], receivers: () => [], listening: () => [], socketCount: () => "" },
      kill: () => {
        told.push("killed");
        ended.resolve({ code: null, signal: "SIGKILL" });
      },
    },
    freezer: {
      freeze: async () => undefined,
      thaw: () => {
        throw new Error("EIO: i/o error, write");
      },
    },
    ...{
      reachable: Promise.resolve(),
      onBooted: () => undefined,
      memoryBytes: () => null,
      oomKills: () => 0,
      release: async () => undefined,
      log: silentLog(),
    },
  });
  return { program, told };
}

it("ends a program by force that cannot be let go on", async () => {
  const { program, told } = stuckProgram();
  await program.freeze();
  await expect(program.thaw()).rejects.toThrow("EIO");
  await program.stop(60_000);
  expect(told).toEqual(["killed"]);
  expect(await program.exited).toMatchObject({ signal: "SIGKILL" });
});

it("takes a group for thawed that has gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "backlot-group-"));
  try {
    writeFileSync(join(folder, "cgroup.freeze"), "");
    writeFileSync(join(folder, "cgroup.events"), "populated 1\nfrozen 1\n");
    const freezer = groupFreezer(folder);
    await freezer.freeze();
    rmSync(folder, { recursive: true });
    freezer.thaw();
    await freezer.freeze();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
