// What every runtime promises of frozen programs; one that cannot freeze says so and is not asked to.
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { RunningInstance, SiteRuntime, StartRequest } from "#orchestrator/runtime/site-runtime.ts";

type Behaviour = "counts" | "serves" | "says-goodbye" | "ignores-signals";
interface StartedSite {
  readonly request: StartRequest;
  readonly output: readonly { readonly text: string }[];
}
interface RuntimeUnderTest {
  readonly runtime: SiteRuntime;
  site(siteId: number, behaviour: Behaviour): Promise<StartedSite>;
}

const soon = () => AbortSignal.timeout(30_000);
const poll = { timeout: 30_000, interval: 20 };
/** What was printed before may still be on its way; twenty of its counts fit into this. */
const stillMs = 200;

/** Part of the suite of runtimes. */
export function siteFreezeSuite(opened: () => RuntimeUnderTest): void {
  async function started(siteId: number, behaviour: Behaviour): Promise<StartedSite & { readonly running: RunningInstance }> {
    const site = await opened().site(siteId, behaviour);
    const running = await opened().runtime.start(site.request);
    await running.whenListening(soon());
    return { ...site, running };
  }

  describe("frozen programs", () => {
    it("stand still with everything that they started, and go on where they were", async ({ skip }) => {
      if (!(await opened().runtime.probe()).freezes) return skip("this runtime cannot freeze here");
      const { running, output } = await started(51, "counts");
      const counted = (who: string) =>
        Number(
          textOf(output)
            .match(new RegExp(`${who} \\d+`, "g"))
            ?.at(-1)
            ?.split(" ")[1] ?? 0,
        );
      const both = () => [counted("program"), counted("child")] as const;
      await expect.poll(() => Math.min(...both()), poll).toBeGreaterThan(3);
      for (let round = 0; round < 2; round += 1) {
        // Twice, as whoever asks may have lost the answer.
        await running.freeze();
        await running.freeze();
        const still = await settled(both);
        await delay(stillMs);
        expect(both()).toEqual(still);
        await running.thaw();
        await running.thaw();
        await expect.poll(() => both().every((count, index) => count > (still[index] ?? 0)), poll).toBe(true);
        // They did not start anew.
        expect(textOf(output).match(/program 1\n/g)).toHaveLength(1);
      }
      await running.stop(2000);
    });

    it("keep their memory, their place and their port", async ({ skip }) => {
      if (!(await opened().runtime.probe()).freezes) return skip("this runtime cannot freeze here");
      const { running } = await started(52, "serves");
      const bytes = await running.memoryBytes();
      expect(bytes === null || bytes > 0).toBe(true);
      await running.freeze();
      expect(await running.memoryBytes()).toSatisfy((now: number | null) => (now === null) === (bytes === null));
      await running.thaw();
      await running.whenListening(soon());
      await running.stop(2000);
    });

    it("are given the time to end well when they are stopped", async ({ skip }) => {
      if (!(await opened().runtime.probe()).freezes) return skip("this runtime cannot freeze here");
      const { running, output } = await started(53, "says-goodbye");
      await running.freeze();
      await running.stop(20_000);
      expect(await running.exited).toMatchObject({ code: 0, isOutOfMemory: false });
      await expect.poll(() => textOf(output), poll).toContain("goodbye\n");
    });

    it("are ended after that time, however they resist", async ({ skip }) => {
      if (!(await opened().runtime.probe()).freezes) return skip("this runtime cannot freeze here");
      const { running } = await started(54, "ignores-signals");
      await running.freeze();
      await Promise.all([running.stop(100), running.freeze(), running.thaw()]);
      expect(await running.exited).toMatchObject({ code: null, isOutOfMemory: false });
    });

    it("are not frozen or thawed once they have ended, which is no failure", async ({ skip }) => {
      if (!(await opened().runtime.probe()).freezes) return skip("this runtime cannot freeze here");
      const { running } = await started(55, "serves");
      await running.stop(2000);
      await running.freeze();
      await running.thaw();
    });
  });
}

function textOf(output: StartedSite["output"]): string {
  return output.map((chunk) => chunk.text).join("");
}

/** The counts once nothing more of them arrives. */
async function settled(read: () => readonly [number, number]): Promise<readonly [number, number]> {
  for (let before = read(); ; before = read()) {
    await delay(stillMs);
    if (read().every((count, index) => count === before[index])) return before;
  }
}
