import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { firstMissing, titled, whyNoSandbox, whyNotRoot } from "../../../../test/support/needs.ts";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { siteRunSuite } from "../../../../test/support/site-run-suite.ts";
import type { RunRequest } from "../run.ts";
import { nurseryFolder } from "./machine-places.ts";

const missing = firstMissing(whyNotRoot(), whyNoSandbox());
const limits = { cpu: 1, memoryBytes: 60_000_000, pids: 20 };
const hungry = { kind: "command", command: 'exec node -e "const a=[]; for(;;) a.push(Buffer.alloc(5e6,1))"' } as const;

describe.skipIf(missing !== null)(titled("runs that nurseries start", missing), () => {
  describe.each([false, true])("with new groups for each: %s", (freshRunGroups) => {
    const opened = processRuntimeHarness({ mode: "auto", idleNurseries: 2, freshRunGroups });
    const run = async (name: string, given: Partial<RunRequest>) => {
      const { request, printed } = await opened.run(name, "tells");
      const running = await opened.runtime.run({ ...request, ...given });
      return { exit: await running.exited, text: printed("stdout"), words: printed("stderr") };
    };
    siteRunSuite(() => opened);

    it("hands over every word as it is", async () => {
      const given = [" a  'b' \\ $HOME * \t", "a\nb", "\n", "", "ünï \u{1f600}", "-n", "x".repeat(20_000)];
      const command = { kind: "command", command: 'for word do printf "%s|" "$word"; done' } as const;
      expect((await run("words", { command, arguments: given })).text).toBe(given.map((word) => `${word}|`).join(""));
    });

    it("keeps the variables that people gave, whatever they are called", async () => {
      const environment = { word: "1", count: "2", line: "3", lines: "4", blocks: "5", go: "6", number: "7", newline: "8" };
      const command = { kind: "command", command: 'echo "$word$count$line$lines$blocks$go$number$newline"' } as const;
      expect((await run("variables", { command, environment })).text).toBe("12345678\n");
    });

    it("opens its own output by name, which is a pipe", async () => {
      const command = { kind: "command", command: "echo by name >/dev/stdout; echo an error >/dev/stderr; test -p /dev/stdout && echo a pipe" } as const;
      expect(await run("named", { command })).toMatchObject({ text: "by name\na pipe\n", words: "an error\n" });
    });

    it("ends a run that needs more memory than it may have, and counts each run for itself", async () => {
      const large = { kind: "command", command: 'node -e "Buffer.alloc(3e7,1)"' } as const;
      expect((await run("hungry", { command: hungry, limits })).exit).toMatchObject({ isOutOfMemory: true, signal: "SIGKILL" });
      const first = (await run("large", { command: large, limits: { ...limits, memoryBytes: 200_000_000 } })).exit;
      const second = (await run("small", { command: { kind: "command", command: "true" } })).exit;
      expect(first.peakMemoryBytes).toBeGreaterThan(30_000_000);
      expect(second).toMatchObject({ code: 0, isOutOfMemory: false });
      expect(second.peakMemoryBytes).toBeLessThan(30_000_000);
      expect(second.cpuMs).toBeLessThan((first.cpuMs ?? 0) + 1);
    });

    it("counts no file that an earlier run has read or written", async () => {
      const peak = async (command: string): Promise<number> => {
        const { exit } = await run("files", { command: { kind: "command", command }, limits: { ...limits, memoryBytes: 200_000_000 } });
        expect(exit.code).toBe(0);
        return exit.peakMemoryBytes ?? 0;
      };
      expect(await peak('head -c 60000000 /dev/zero >"$HOME/large"; sync "$HOME/large"')).toBeGreaterThan(30_000_000);
      // As soon as the disk allows.
      await expect.poll(() => peak("true"), { timeout: 40_000 }).toBeLessThan(30_000_000);
    });

    it("leaves no process of a run behind, and no descriptor of ours open", async () => {
      const leave = { kind: "command", command: "(sleep 600 >/dev/null 2>&1 &) ; setsid sleep 600 >/dev/null 2>&1 & echo left" } as const;
      await run("warm", {});
      const before = readdirSync("/proc/self/fd").length;
      for (let round = 0; round < 5; round += 1) expect((await run(`leaves-${round}`, { command: leave })).text).toBe("left\n");
      await expect.poll(() => readdirSync("/proc/self/fd").length, { timeout: 20_000 }).toBeLessThanOrEqual(before + 12);
      expect(sleepers()).toEqual([]);
    });
  });

  it("lets no run into a network that another site's run has used: a socket can be handed out of it", async () => {
    await using harness = processRuntimeHarness({ mode: "auto", idleNurseries: 2 });
    const networkOf = async (siteId: number): Promise<string> => {
      const { request, printed } = await harness.run(`site-${siteId}`, "tells", { siteId });
      // SO_NETNS_COOKIE: the number of a namespace is given again when it has gone, this is not.
      const names = "import socket; print(int.from_bytes(socket.socket().getsockopt(1, 71, 8), 'little'))";
      const command = { kind: "command", command: `python3 -c "${names}"; grep -c : /proc/net/dev` } as const;
      expect(await (await harness.runtime.run({ ...request, command, arguments: [] })).exited).toMatchObject({ code: 0 });
      return printed("stdout");
    };
    const seen = new Map<string, number>();
    for (const siteId of [21, 21, 22, 21, 22, 23, 21]) {
      const network = await networkOf(siteId);
      expect(network).toMatch(/^\d+\n1\n$/);
      expect(seen.get(network) ?? siteId).toBe(siteId);
      seen.set(network, siteId);
    }
  });

  it("shows a run the system as one that is launched by itself sees it", async () => {
    const words = "ls / /etc /etc/ssl /opt/backlot; readlink /bin /var/tmp /var/run; cat /etc/passwd /etc/resolv.conf; node --version";
    const writes = "for at in / /etc /usr /opt /dev; do touch $at/x 2>/dev/null && echo wrote $at; done";
    const seen = async (idleNurseries: number): Promise<string> => {
      await using harness = processRuntimeHarness({ mode: "auto", idleNurseries });
      const { request, printed } = await harness.run("sees", "tells", { siteId: 23 });
      await (await harness.runtime.run({ ...request, command: { kind: "command", command: `${words}; ${writes}` }, arguments: [] })).exited;
      return printed("stdout");
    };
    const byNursery = await seen(1);
    expect(byNursery).toMatch(/^site:x:1000:1000:/m);
    expect(byNursery).not.toContain("wrote");
    // Places for what only other runs have.
    expect(byNursery.replaceAll(/^(homedir|scripts)\n/gm, "")).toBe(await seen(0));
  });

  it("goes on when a nursery was killed while a run was under way, and while it waited", async () => {
    await using harness = processRuntimeHarness({ mode: "auto", idleNurseries: 1 });
    const { request } = await harness.run("first", "hides");
    const running = await harness.runtime.run(request);
    killAll(nurseries(harness.installation));
    expect(await running.exited).toMatchObject({ code: null, signal: "SIGKILL" });
    const again = await harness.run("second", "tells");
    expect(await (await harness.runtime.run(again.request)).exited).toMatchObject({ code: 3 });
    const waiting = nurseries(harness.installation);
    killAll(waiting);
    // One that is not dead yet could still take the run, and have it die with it.
    await expect.poll(() => nurseries(harness.installation).filter((pid) => waiting.includes(pid)), { timeout: 20_000 }).toEqual([]);
    const last = await harness.run("third", "tells");
    expect(await (await harness.runtime.run(last.request)).exited).toMatchObject({ code: 3 });
  });

  it("removes its pipes when it closes", async () => {
    const harness = processRuntimeHarness({ mode: "auto" });
    await (await harness.runtime.run((await harness.run("one", "tells")).request)).exited;
    const folder = nurseryFolder({ installation: harness.installation, stateFolder: harness.options.stateFolder });
    expect(existsSync(folder)).toBe(true);
    await harness[Symbol.asyncDispose]();
    expect(existsSync(folder)).toBe(false);
    expect(nurseries(harness.installation)).toEqual([]);
  });
});

function commands(): readonly (readonly [number, string])[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), readFileSync(`/proc/${name}/cmdline`, "latin1").replaceAll("\0", " ")] as const];
      } catch {
        return []; // gone
      }
    });
}

/** Nurseries of one installation. */
function nurseries(installation: string): readonly number[] {
  return commands().flatMap(([pid, command]) => (command.includes("nursery.sh") && command.includes(`-${installation}-nurseries`) ? [pid] : []));
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended with another.
    }
  }
}

function sleepers(): readonly number[] {
  return commands().flatMap(([pid, command]) => (command.startsWith("sleep 600") && isBelowUs(pid) ? [pid] : []));
}

function isBelowUs(pid: number): boolean {
  for (let at = pid; at > 1; ) {
    if (at === process.pid) return true;
    try {
      at = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${at}/status`, "utf8"))?.[1] ?? 0);
    } catch {
      return false; // gone
    }
  }
  return false;
}
