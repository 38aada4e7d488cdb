// What every runtime promises its caller. Adapters differ in what else they do: that stands in their own tests.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LastingInstances, RunningInstance, SiteRuntime, StartRequest } from "#orchestrator/runtime/site-runtime.ts";
import { siteFreezeSuite } from "./site-freeze-suite.ts";
import { type MakeRun, siteRunSuite } from "./site-run-suite.ts";
import { type MakeEntry, siteTerminalSuite } from "./site-terminal-suite.ts";

/** What a site's program does in these tests; real ones do it in `site-runtime-program.mjs`. */
export type Behaviour = "serves" | "exits-3" | "dies-by-signal" | "listens-elsewhere" | "ignores-signals" | "says-goodbye" | "counts";

export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: SiteRuntime;
  /** A site whose program behaves so; its output is added to `output`. */
  site(siteId: number, behaviour: Behaviour, given?: { readonly instance?: string; readonly isTrusted?: boolean }): Promise<StartedSite>;
  readonly run: MakeRun;
  readonly enter: MakeEntry;
  /** The runtime of an orchestrator that comes after this one, where programs outlive them. */
  again?(): SiteRuntime;
}
export interface StartedSite {
  readonly request: StartRequest;
  readonly output: { readonly stream: "stdout" | "stderr"; readonly text: string }[];
}

const soon = () => AbortSignal.timeout(30_000);

/** Runs the suite against one adapter. */
export function siteRuntimeSuite(name: string, open: () => Promise<RuntimeUnderTest>): void {
  describe(`${name} keeps the promises of a runtime`, () => {
    let opened: RuntimeUnderTest;
    beforeAll(async () => {
      opened = await open();
      await opened.runtime.cleanUp();
      await opened.runtime.probe();
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    startingTests(() => opened);
    siteFreezeSuite(() => opened);
    siteRunSuite(() => opened);
    siteTerminalSuite(() => opened);
    endingTests(() => opened);
  });
}

function startingTests(opened: () => RuntimeUnderTest): void {
  it("says what the machine can do", async () => {
    const found = await opened().runtime.probe();
    expect(found.isolates).toBe(found.missing.length === 0);
    expect(Object.keys(found.limits).sort()).toEqual(["cpu", "memory", "pids"]);
    expect(found.freezes).toBe(found.freezeNote === null);
  });

  it("finds nothing to clean up after a clean end", async () => {
    expect(await opened().runtime.cleanUp()).toBe(0);
  });

  it("tells when a program listens, and hands on what it prints", async () => {
    const { request, output } = await opened().site(1, "serves");
    const running = await opened().runtime.start(request);
    expect([running.siteId, running.instance]).toEqual([1, request.instance]);
    await running.whenListening(soon());
    await running.stop(2000);
    const text = (stream: string) => output.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.text);
    expect(text("stdout").join("")).toBe("it starts\n");
    expect(text("stderr").join("")).toBe("it complains\n");
  });

  it("tells at once that a program which listens already listens", async () => {
    const running = await opened().runtime.start((await opened().site(2, "serves")).request);
    await running.whenListening(soon());
    await running.whenListening(soon());
    await running.stop(2000);
  });

  it("gives two programs of one site an address each", async () => {
    const first = await opened().runtime.start((await opened().site(3, "serves", { instance: "one" })).request);
    const second = await opened().runtime.start((await opened().site(3, "serves", { instance: "two" })).request);
    await Promise.all([first.whenListening(soon()), second.whenListening(soon())]);
    expect(first.address).not.toEqual(second.address);
    await first.stop(2000);
    await second.whenListening(soon());
    await second.stop(2000);
  });

  it("does not take a program that listens elsewhere for one that answers, and says where it listens", async () => {
    const running = await opened().runtime.start((await opened().site(4, "listens-elsewhere")).request);
    await expect.poll(() => running.listening(), { timeout: 30_000 }).toEqual(["127.0.0.1:5000"]);
    await expect(running.whenListening(AbortSignal.timeout(50))).rejects.toMatchObject({ name: "TimeoutError" });
    await running.stop(2000);
  });
}

function endingTests(opened: () => RuntimeUnderTest): void {
  it("tells how a program ended", async () => {
    const running = await opened().runtime.start((await opened().site(5, "exits-3")).request);
    expect(await running.exited).toEqual({ code: 3, signal: null, isOutOfMemory: false });
  });

  it("tells by which signal a program ended", async () => {
    const running = await opened().runtime.start((await opened().site(6, "dies-by-signal")).request);
    expect(await running.exited).toEqual({ code: null, signal: "SIGABRT", isOutOfMemory: false });
  });

  it("stops waiting for a program that has ended", async () => {
    const running = await opened().runtime.start((await opened().site(7, "exits-3")).request);
    await expect(running.whenListening(soon())).rejects.toThrow(/ended/);
    expect(await running.listening()).toEqual([]);
  });

  it("stops a program, also one that has ended, also twice", async () => {
    const running = await opened().runtime.start((await opened().site(8, "serves")).request);
    await running.whenListening(soon());
    await Promise.all([running.stop(2000), running.stop(2000)]);
    expect(await running.exited).toMatchObject({ signal: "SIGTERM", isOutOfMemory: false });
    await running.stop(2000);
  });

  it("ends a program that does not want to end", async () => {
    const running = await opened().runtime.start((await opened().site(9, "ignores-signals")).request);
    await running.whenListening(soon());
    await running.stop(100);
    expect(await running.exited).toMatchObject({ code: null, isOutOfMemory: false });
  });

  it("starts a site again under the same key once its program has gone", async () => {
    for (let round = 0; round < 3; round += 1) {
      const running = await opened().runtime.start((await opened().site(10, "serves", { instance: "again" })).request);
      await running.whenListening(soon());
      await running.stop(2000);
    }
  });

  it("ends every program when it is closed, or leaves those of sites to the next", async () => {
    const running = await Promise.all([11, 12, 13].map(async (siteId) => opened().runtime.start((await opened().site(siteId, "serves")).request)));
    const run = await opened().runtime.run((await opened().run("last", "hides")).request);
    const entered = await opened().runtime.enter(await opened().enter("last", "ignores-signals", { cols: 80, rows: 24 }));
    await Promise.all(running.map((instance) => instance.whenListening(soon())));
    await opened().runtime.close();
    await Promise.all([run.exited, entered.exited]);
    const next = opened().again?.();
    if (next?.lasting === undefined) {
      const exits = await Promise.all(running.map((program) => program.exited));
      expect(exits).toHaveLength(3);
      return;
    }
    const requests = await Promise.all([11, 12].map(async (siteId) => (await opened().site(siteId, "serves")).request));
    await leftToTheNext(next, { lasting: next.lasting, running, requests });
  });
}

async function leftToTheNext(
  next: SiteRuntime,
  before: { readonly lasting: LastingInstances; readonly running: readonly RunningInstance[]; readonly requests: readonly StartRequest[] },
): Promise<void> {
  const { lasting, running, requests } = before;
  expect(await next.cleanUp()).toBe(0);
  expect((await lasting.left()).map(({ siteId }) => siteId).sort((a, b) => a - b)).toEqual([11, 12, 13]);
  const taken = await Promise.all(requests.map((request) => next.start(request)));
  expect(taken.map(({ address }) => address)).toEqual(running.slice(0, 2).map(({ address }) => address));
  await Promise.all(taken.map((instance) => instance.whenListening(soon())));
  // Nobody wanted the last one.
  await lasting.drop();
  await Promise.all(taken.map((instance) => instance.stop(2000)));
  await lasting.forget(11);
  await next.close();
}
