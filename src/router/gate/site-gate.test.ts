import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import type { RestOutcome } from "#contract/internal/site-rest.ts";
import type { ConnectionPool } from "../proxy/upstream-pool.ts";
import type { GateDeps } from "./gate-deps.ts";
import type { SiteEdge } from "./site-edge.ts";
import { longestHoldMs, SiteGate } from "./site-gate.ts";
import type { LiveInstance, Target } from "./target.ts";
import type { Visitor } from "./waiting-visitors.ts";

const one: LiveInstance = { address: { host: "10.0.0.1", port: 5000 }, instance: "one" };
const two: LiveInstance = { address: { host: "10.0.0.2", port: 5000 }, instance: "two" };

class FakeVisitor implements Visitor {
  isGone = false;
  mayWake = true;
  target: Target | null = null;
  failure: Failure | null = null;

  admit(target: Target): void {
    this.target = target;
  }

  refuse(failure: Failure): void {
    this.failure = failure;
  }

  get outcome(): string {
    return this.failure?.code ?? this.target?.instance ?? "waits";
  }
}

/** A gate whose wake-ups and sleeps are answered by hand. */
function scene(over: Partial<GateDeps> = {}) {
  const wakes: { answer: (live: LiveInstance) => void; refuse: (error: unknown) => void }[] = [];
  const sleeps: { instance: string | undefined; done: () => void; fail: (error: unknown) => void }[] = [];
  const freezes: { asked: readonly [instance: string, sleepAfterSeconds: number]; answer: (outcome: RestOutcome) => void; fail: (error: unknown) => void }[] =
    [];
  const ended: string[] = [];
  const time = { now: 1000 };
  const createPool = ({ instance }: LiveInstance): ConnectionPool => ({
    take: () => undefined,
    connect: () => undefined,
    giveBack: () => undefined,
    close: () => ended.push(`${instance} closed`),
    end: (graceMs) => ended.push(`${instance} ended after ${graceMs}`),
  });
  const gate = new SiteGate(7, {
    wake: () => new Promise((answer, refuse) => wakes.push({ answer, refuse })),
    sleep: (_, instance) => new Promise((done, fail) => sleeps.push({ instance, done, fail })),
    freeze: (_, instance, sleepAfterSeconds) => new Promise((answer, fail) => freezes.push({ asked: [instance, sleepAfterSeconds], answer, fail })),
    arrived: () => undefined,
    createPool,
    now: () => time.now,
    waitMs: 30_000,
    mostWaiting: 3,
    mostInFlight: 2,
    ...over,
  });
  const enter = (mayWake = true): FakeVisitor => {
    const visitor = new FakeVisitor();
    visitor.mayWake = mayWake;
    gate.enter(visitor);
    return visitor;
  };
  const leave = (visitor: FakeVisitor): void => {
    if (visitor.target !== null) gate.leave(visitor.target);
  };
  return { gate, wakes, sleeps, freezes, ended, time, enter, leave };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("however many requests wait, the site is woken once, and then all go on in order", async () => {
  const { wakes, enter } = scene({ mostInFlight: 10 });
  const visitors = [enter(), enter(), enter()];
  expect(wakes.length).toBe(1);
  wakes[0]?.answer(one);
  await settle();
  expect(visitors.map((visitor) => visitor.outcome)).toEqual(["one", "one", "one"]);
  expect(enter().outcome).toBe("one");
});

test("when waking fails all that wait hear why, and the next request tries again", async () => {
  const { wakes, enter } = scene();
  const visitors = [enter(), enter()];
  wakes[0]?.refuse(new Failure("site_crashed", { reason: "exited 1" }));
  await settle();
  expect(visitors.map((visitor) => visitor.outcome)).toEqual(["site_crashed", "site_crashed"]);
  enter();
  expect(wakes.length).toBe(2);
});

test("who may wake nobody waits along with others, and hears that the site is asleep when there are none", async () => {
  const { gate, wakes, enter } = scene();
  gate.hold();
  const alone = enter(false);
  expect(alone.outcome).toBe("waits");
  gate.release(null);
  expect([alone.outcome, wakes.length]).toEqual(["site_asleep", 0]);

  gate.hold();
  const [crawler, person] = [enter(false), enter()];
  gate.release(null);
  expect([crawler.outcome, person.outcome, wakes.length]).toEqual(["waits", "waits", 1]);
  wakes[0]?.answer(one);
  await settle();
  expect([crawler.outcome, person.outcome]).toEqual(["one", "one"]);
});

test("nobody is woken for a person who has left", () => {
  const { gate, wakes, enter } = scene();
  gate.hold();
  const [crawler, person] = [enter(false), enter()];
  person.isGone = true;
  gate.release(null);
  expect([crawler.outcome, wakes.length]).toEqual(["site_asleep", 0]);
});

test("the queue is bounded, and so is what a program works on at once", async () => {
  const { wakes, enter } = scene();
  const visitors = [enter(), enter(), enter(), enter()];
  expect(visitors[3]?.outcome).toBe("site_overloaded");
  wakes[0]?.answer(one);
  await settle();
  expect(visitors.slice(0, 3).map((visitor) => visitor.outcome)).toEqual(["one", "one", "site_overloaded"]);
});

test("a request that waits too long hears that the site is starting; one that was left by its visitor hears nothing", () => {
  const { gate, time, enter } = scene();
  const [patient, gone] = [enter(), enter()];
  gone.isGone = true;
  time.now += 29_999;
  gate.sweep(time.now);
  expect(patient.outcome).toBe("waits");
  gate.sweep(time.now + 1);
  expect([patient.outcome, gone.outcome]).toEqual(["site_starting", "waits"]);
  expect(gate.waitingCount).toBe(0);
});

test("on the way to sleep new requests wait, and wake the site when it sleeps", async () => {
  const { gate, wakes, sleeps, ended, enter, leave } = scene();
  gate.switchTo(one);
  leave(enter());
  const asleep = gate.sleep();
  expect(sleeps[0]?.instance).toBe("one");
  const visitor = enter();
  expect([visitor.outcome, wakes.length]).toEqual(["waits", 0]);
  sleeps[0]?.done();
  await asleep;
  expect(ended).toEqual(["one closed"]);
  expect(wakes.length).toBe(1);
  wakes[0]?.answer(two);
  await settle();
  expect(visitor.outcome).toBe("two");
});

test("when going to sleep fails the requests that waited go to the program as it is", async () => {
  const { gate, sleeps, enter } = scene();
  gate.switchTo(one);
  const asleep = gate.sleep();
  const visitor = enter();
  sleeps[0]?.fail(new Failure("component_away", { component: "orchestrator" }));
  await expect(asleep).rejects.toThrow(Failure);
  expect(visitor.outcome).toBe("one");
});

test("a hold keeps requests waiting until the release, which says where they go", async () => {
  const { gate, enter, leave } = scene();
  gate.switchTo(one);
  const before = enter();
  gate.hold();
  const during = enter();
  const drained = gate.drained(10_000);
  expect(during.outcome).toBe("waits");
  leave(before);
  expect(await drained).toBe(0);
  gate.release(two);
  expect(during.outcome).toBe("two");
});

test("a hold without an end ends by itself, and the site is asked where it is", () => {
  const { gate, time, wakes, enter } = scene({ waitMs: 60_000 });
  gate.switchTo(one);
  gate.hold();
  enter();
  gate.sweep(time.now + longestHoldMs - 1);
  expect(wakes.length).toBe(0);
  gate.sweep(time.now + longestHoldMs);
  expect(wakes.length).toBe(1);
});

test("a switch sends new requests on and tells when the old instance has none left", async () => {
  const { gate, ended, enter, leave } = scene();
  gate.switchTo(one);
  const old = enter();
  gate.switchTo(two);
  const fresh = enter();
  expect([old.outcome, fresh.outcome]).toEqual(["one", "two"]);
  const drained = gate.drained(10_000, gate.target ?? undefined);
  expect(gate.inFlight()).toBe(2);
  leave(old);
  expect(await drained).toBe(0);
  expect(ended).toEqual(["one closed"]);
});

test("draining gives up in time and tells what is left", async () => {
  const { gate, enter } = scene();
  gate.switchTo(one);
  enter();
  expect(await gate.drained(5)).toBe(1);
});

test("an answer to a wake-up that was overtaken by a switch is not believed", async () => {
  const { gate, wakes, enter } = scene();
  const visitor = enter();
  gate.switchTo(two);
  wakes[0]?.answer(one);
  await settle();
  expect([visitor.outcome, gate.target?.instance]).toEqual(["two", "two"]);
});

test("a lost instance is forgotten, and the next request wakes the site", () => {
  const { gate, wakes, ended, enter } = scene();
  gate.switchTo(one);
  const visitor = enter();
  if (visitor.target === null) throw new Error("not admitted");
  gate.lose(visitor.target);
  gate.leave(visitor.target);
  expect(ended).toEqual(["one closed"]);
  enter();
  expect(wakes.length).toBe(1);
});

test("shutting a site refuses those that wait and ends the connections of all its instances", () => {
  const { gate, ended, enter } = scene();
  gate.switchTo(one);
  enter();
  gate.hold();
  const waiting = enter();
  gate.shut(new Failure("site_not_served"), 500);
  expect(waiting.outcome).toBe("site_not_served");
  expect(ended).toContain("one ended after 500");
  expect(gate.target).toBeNull();
});

test("a gate is at rest when nothing is known, waiting or under way", async () => {
  const { gate, wakes, enter, leave } = scene();
  expect(gate.isAtRest).toBe(true);
  const visitor = enter();
  expect(gate.isAtRest).toBe(false);
  wakes[0]?.answer(one);
  await settle();
  gate.release(null);
  expect(gate.isAtRest).toBe(false);
  leave(visitor);
  expect(gate.isAtRest).toBe(true);
});

test("a program that stands still is let go, and the next visitor asks for it again", async () => {
  const { gate, wakes, freezes, ended, enter } = scene();
  gate.release(one);
  const frozen = gate.freeze(540);
  expect(freezes.map(({ asked }) => asked)).toEqual([["one", 540]]);
  const early = enter();
  expect([early.outcome, wakes.length]).toEqual(["waits", 0]);
  freezes[0]?.answer("rests");
  expect(await frozen).toBe("rests");
  expect([gate.target, wakes.length, ended]).toEqual([null, 1, ["one closed"]]);
  wakes[0]?.answer(one);
  await expect.poll(() => early.outcome).toBe("one");
});

test("a program that cannot be frozen goes on, and is asked about again only after a visit", async () => {
  const { gate, freezes, time, enter } = scene();
  gate.release(one);
  const asked = gate.freeze(10);
  freezes[0]?.answer("runs");
  expect(await asked).toBe("runs");
  expect([gate.isAwake, gate.mayFreeze, enter().outcome]).toEqual([true, false, "one"]);
  time.now += 1;
  gate.lastActiveAt = time.now;
  expect(gate.mayFreeze).toBe(true);
});

test("when nobody knows whether the program was frozen, the next visitor asks where it is", async () => {
  const { gate, wakes, freezes, enter } = scene();
  gate.release(one);
  const asked = gate.freeze(10);
  freezes[0]?.fail(new Error("connection reset"));
  await expect(asked).rejects.toThrow("connection reset");
  enter();
  expect([gate.target, wakes.length]).toEqual([null, 1]);
});

test("a program that visitors reach past the gate is neither frozen nor stopped while they do", async () => {
  let underWay = 1;
  const told: string[] = [];
  const edge: SiteEdge = {
    open: (_, live) => void told.push(`open ${live.instance}`),
    close: async () => void told.push("close"),
    settled: async () => undefined,
    underWay: () => underWay,
    count: async () => undefined,
  };
  const { gate, freezes, sleeps } = scene({ edge });
  gate.release(one);
  expect(await gate.freeze(10)).toBeNull();
  await gate.sleep();
  expect([gate.target?.instance, freezes, sleeps]).toEqual(["one", [], []]);
  expect(told.slice(-4)).toEqual(["close", "open one", "close", "open one"]);
  underWay = 0;
  const asked = gate.freeze(10);
  await expect.poll(() => freezes.length).toBe(1);
  freezes[0]?.answer("rests");
  await asked;
  expect(gate.target).toBeNull();
});

test("what others told the gate has to be told to the orchestrator, once; what the orchestrator told does not", async () => {
  const { gate, wakes, enter } = scene();
  enter();
  wakes[0]?.answer(one);
  await expect.poll(() => gate.target?.instance).toBe("one");
  expect([gate.isClaimDue, gate.claimed]).toEqual([false, "one"]);
  gate.switchTo(two);
  expect([gate.isClaimDue, gate.claimed]).toEqual([true, "two"]);
});

test("whether somebody is a visitor is asked at most once in a quarter of a second, and nobody else keeps the site awake", () => {
  const { gate, time } = scene();
  let asked = 0;
  const come = (isVisit: boolean): void =>
    gate.noteVisit(() => {
      asked += 1;
      return isVisit;
    });
  time.now += 249;
  come(true);
  expect([asked, gate.lastActiveAt]).toEqual([0, 1000]);
  time.now += 1;
  come(false);
  expect([asked, gate.lastActiveAt]).toEqual([1, 1000]);
  for (let count = 0; count < 3; count += 1) come(true);
  expect([asked, gate.lastActiveAt]).toEqual([2, 1250]);
});
