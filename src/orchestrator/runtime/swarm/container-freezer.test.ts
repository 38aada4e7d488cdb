import type Docker from "dockerode";
import { expect, it } from "vitest";
import { freezerOf } from "./container-freezer.ts";
import { awayFailure } from "./swarm-managers.ts";

const refusal = (statusCode: number, message: string) => Object.assign(new Error(message), { statusCode });
const away = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A freezer over an engine that answers with these, one after the other, and waits for it as often as it is told to. */
function freezer(answers: (Error | null)[], { tries = 1, ends = false } = {}) {
  const asked: string[] = [];
  const answer = async (verb: string): Promise<void> => {
    asked.push(verb);
    const error = answers.shift() ?? null;
    if (error !== null) throw error;
  };
  const container = { pause: () => answer("pause"), unpause: () => answer("unpause") };
  const docker = { getContainer: () => container } as unknown as Docker;
  const whenThere = async <T>(ask: (engine: Docker) => Promise<T>): Promise<T> => {
    for (let left = tries; ; left -= 1) {
      try {
        return await ask(docker);
      } catch (error) {
        if (!(error instanceof Error && "code" in error)) throw error;
        if (left <= 1) throw awayFailure(error);
      }
    }
  };
  let hasEnded = false;
  const watch = {
    look: async () => {
      asked.push("look");
      hasEnded = ends;
    },
    get hasEnded() {
      return hasEnded;
    },
  };
  return { asked, ...freezerOf({ docker, whenThere }, "c1", watch) };
}

it("lets a container go on as soon as its engine is back, where that is waited for", async () => {
  const { asked, thaw } = freezer([away(), away(), null], { tries: 3 });
  expect(await thaw({ waits: true })).toEqual({ hasEnded: false });
  expect(asked).toEqual(["unpause", "unpause", "unpause"]);
  await expect(freezer([away()], { tries: 1 }).thaw({ waits: true })).rejects.toMatchObject({ code: "component_away" });
  await expect(freezer([away()], { tries: 3 }).thaw({ waits: false })).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

it("finds that a container has ended with its engine, and does not take one that runs for ended", async () => {
  for (const answer of [refusal(404, "no such container"), refusal(409, "Container c1 is not running"), refusal(500, "Container c1 is not paused")]) {
    const { asked, thaw } = freezer([answer], { ends: true });
    expect(await thaw({ waits: true })).toEqual({ hasEnded: true });
    expect(asked).toEqual(["unpause", "look"]);
    expect(await freezer([answer]).thaw({ waits: true })).toEqual({ hasEnded: false });
  }
});

it("takes a container for going on that runs, whatever the engine believed", async () => {
  const { asked, thaw } = freezer([refusal(500, "(HTTP code 500) server error - Cannot unpause container c1: cannot resume a running process: unknown ")]);
  expect(await thaw({ waits: true })).toEqual({ hasEnded: false });
  expect(asked).toEqual(["unpause", "look"]);
});

it("says in the engine's words why it does not let one go on", async () => {
  const { thaw } = freezer([refusal(500, "(HTTP code 500) server error - Cannot unpause container c1: the group is busy ")]);
  await expect(thaw({ waits: true })).rejects.toMatchObject({
    code: "program_stuck",
    message: expect.stringMatching(/: .*the group is busy\. Restart the site/),
  });
});

it("takes a container that is paused, or has ended, for frozen", async () => {
  for (const answer of [null, refusal(404, "gone"), refusal(500, "Container c1 is already paused")]) await freezer([answer]).freeze();
  await expect(freezer([refusal(500, "no")]).freeze()).rejects.toThrow("no");
});
