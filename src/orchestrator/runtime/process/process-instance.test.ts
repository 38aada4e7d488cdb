import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { silentLog } from "#kit/log.ts";
import { groupFreezer } from "./group-freezer.ts";
import { ProcessInstance } from "./process-instance.ts";
import type { ProcessTree } from "./process-tree.ts";

/** A program that ends by force only, and cannot be let go on. */
function stuckProgram(part: Partial<ProcessTree> = {}) {
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
      ...part,
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

it("looks again when it cannot be told whether everything has ended", async () => {
  let looks = 0;
  const { program, told } = stuckProgram({
    isGone: () => {
      looks += 1;
      if (looks < 3) throw new Error("EMFILE: too many open files, scandir '/proc'");
      return true;
    },
  });
  await program.stop(0);
  expect(await program.exited).toMatchObject({ signal: "SIGKILL" });
  expect([looks, told]).toEqual([3, ["killed"]]);
});

it("looks at its pace at a program that opens and closes sockets all the time", async () => {
  // By a clock of its own: 2 ms pass between two looks at the counters, and a whole look takes 10 ms.
  const [rounds, betweenMs, lookMs] = [221, 2, 10];
  const end = new AbortController();
  let [now, asked, looked] = [performance.now(), 0, 0];
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  try {
    const { program } = stuckProgram({
      socketCount: () => {
        now += betweenMs;
        asked += 1;
        if (asked === rounds) end.abort(new Error("enough"));
        return String(asked);
      },
      listening: () => {
        now += lookMs;
        looked += 1;
        return [];
      },
    });
    await expect(program.whenListening(end.signal)).rejects.toThrow("enough");
  } finally {
    clock.mockRestore();
  }
  // The first look, twenty out of turn, and then one whenever four times its 12 ms have passed.
  expect([asked, looked]).toEqual([rounds, 1 + 20 + 8]);
});

/** How long it rests between looks at a program that has booted for so long, in milliseconds, the shortest first. */
async function pausesAfter(bootedMs: number): Promise<readonly number[]> {
  const looks: bigint[] = [];
  const end = new AbortController();
  let now = performance.now();
  const late = now + bootedMs;
  const { program } = stuckProgram({
    socketCount: () => {
      looks.push(process.hrtime.bigint());
      now = late;
      if (looks.length === 12) end.abort(new Error("enough"));
      return "";
    },
  });
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  try {
    await expect(program.whenListening(end.signal)).rejects.toThrow("enough");
  } finally {
    clock.mockRestore();
  }
  const pauses = looks.slice(1).map((at, index) => Number(at - (looks[index] ?? at)) / 1e6);
  return pauses.toSorted((one, other) => one - other);
}

it("looks at a program that boots every few milliseconds, and more rarely after five seconds", async () => {
  // A busy machine makes some pauses longer, never all of them shorter.
  expect((await pausesAfter(0)).at(0)).toBeLessThan(15);
  expect((await pausesAfter(5_000)).at(5)).toBeGreaterThan(15);
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
