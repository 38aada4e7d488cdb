// What every runtime promises of runs; called by `site-runtime-suite.ts`.
import { expect, it } from "vitest";
import type { RunRequest } from "#orchestrator/runtime/run.ts";
import type { SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";

/** What a run does in these tests; the scripts of real ones stand below. */
export type RunBehaviour = "tells" | "dies-by-signal" | "says-goodbye" | "hides";

/** A run in the home folder, or with `siteId` in a site. */
export type MakeRun = (run: string, behaviour: RunBehaviour, given?: { readonly siteId?: number }) => Promise<MadeRun>;
export interface MadeRun {
  readonly request: RunRequest;
  /** What it has printed so far. */
  printed(stream: "stdout" | "stderr"): string;
}

export const runScripts: Readonly<Record<RunBehaviour, string>> = {
  tells: '#!/bin/sh\necho "it runs with $1"\necho "it complains" >&2\nexit 3\n',
  "dies-by-signal": "#!/bin/sh\nkill -ABRT $$\n",
  // Its shell would die before it, or take the next step after it.
  "says-goodbye": '#!/bin/sh\nsh -c \'trap "echo goodbye; exit 0" TERM; sleep 600 & echo ready; wait\'\necho "next step"\n',
  hides: "#!/bin/sh\ntrap '' TERM HUP INT\nsetsid sh -c 'trap \"\" TERM; sleep 600 & (sleep 600 &); echo ready; wait' &\nwait\nwhile :; do sleep 1; done\n",
};

export function siteRunSuite(opened: () => { readonly runtime: SiteRuntime; readonly run: MakeRun }): void {
  it.each([undefined, 21])("runs a script with its arguments, and tells its code and its words (site: %s)", async (siteId) => {
    const { request, printed } = await opened().run("a1", "tells", siteId === undefined ? {} : { siteId });
    const running = await opened().runtime.run(request);
    expect(await running.exited).toMatchObject({ code: 3, signal: null, isOutOfMemory: false });
    expect([printed("stdout"), printed("stderr")]).toEqual(["it runs with a b\n", "it complains\n"]);
  });

  it("tells by which signal a run ended", async () => {
    const running = await opened().runtime.run((await opened().run("a2", "dies-by-signal")).request);
    expect(await running.exited).toMatchObject({ code: null, signal: "SIGABRT", isOutOfMemory: false });
  });

  it("lets a run end well when it is ended, without taking its next step", async () => {
    const { request, printed } = await opened().run("a3", "says-goodbye");
    const running = await opened().runtime.run(request);
    await expect.poll(() => printed("stdout"), { timeout: 20_000 }).toBe("ready\n");
    await running.end(20_000);
    await running.exited;
    expect(printed("stdout")).toBe("ready\ngoodbye\n");
  });

  it("ends a run that hides and ignores signals when the grace is over, also when asked twice", async () => {
    const { request, printed } = await opened().run("a4", "hides");
    const running = await opened().runtime.run(request);
    await expect.poll(() => printed("stdout"), { timeout: 20_000 }).toBe("ready\n");
    await Promise.all([running.end(200), running.end(60_000)]);
    await running.end(0);
    expect(await running.exited).toMatchObject({ code: null, isOutOfMemory: false });
  });

  it("runs many at once", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, (_, index) => opened().run(`many-${index}`, "tells")));
    const exits = await Promise.all(made.map(async ({ request }) => (await opened().runtime.run(request)).exited));
    expect(exits.map((exit) => exit.code)).toEqual(Array.from({ length: 8 }, () => 3));
  });
}
