import { expect, test } from "vitest";
import { actor } from "../../../test/support/builders.ts";
import { type ScheduleDeps, updateSchedule } from "./change-schedule.ts";
import type { ActorSchedule, ScheduleChanges, ScheduleUpdate } from "./schedule-store.ts";

const task = { script: "backup.sh", arguments: [], environment: { KEY: "", OTHER: "" } };
const schedule = {
  ...{ id: "s", cron: "0 3 * * *", timeZone: "UTC", isPaused: false, createdBy: { id: 1, username: "root" } },
  ...{ site: null, task: { script: "backup.sh", arguments: [] }, sealedEnvironment: null },
} as unknown as ActorSchedule;
const secretive: ActorSchedule = { ...schedule, task, sealedEnvironment: 'sealed {"KEY":"a","OTHER":"b"}' };
const seal = { seal: (text: string) => `sealed ${text}`, open: (text: string) => text.slice("sealed ".length) };

async function changesOf(changes: Parameters<typeof updateSchedule>[2]["changes"], given = { schedule, by: actor({ id: 5 }) }): Promise<ScheduleChanges> {
  const written: ScheduleChanges[] = [];
  const update = async (_actor: unknown, before: ActorSchedule, { changes: given, most }: ScheduleUpdate): Promise<ActorSchedule> => {
    expect(most).toBe(200);
    written.push(given);
    return before;
  };
  const deps = { schedules: { update }, seal, plan: async () => ({ site: null }), clock: { now: () => 0 } } as unknown as ScheduleDeps;
  await updateSchedule(deps, given.by, { schedule: given.schedule, changes });
  return written[0] ?? {};
}

test.each([{ cron: "* * * * *" }, { timeZone: "Europe/Berlin" }, { overlap: "queue" }, { catchUp: "all" }] as const)(
  "whoever changes %j of a schedule is the one on whose behalf it runs",
  async (changes) => {
    expect(await changesOf(changes)).toMatchObject({ createdById: 5 });
  },
);

test.each([{ name: "other" }, { isPaused: true }] as const)("whoever changes %j only is not", async (changes) => {
  expect(await changesOf(changes)).not.toHaveProperty("createdById");
});

const member = { schedule: secretive, by: actor({ id: 5 }) };

test.each([
  { cron: "* * * * *" },
  { overlap: "queue" as const },
  { task: { script: "backup.sh", arguments: ["-v"] } },
  { task: { ...task, arguments: ["-v"] } },
  { task: { ...task, environment: { KEY: "mine", OTHER: "" } } },
])("a fellow member cannot take over another's values with %j", async (changes) => {
  await expect(changesOf(changes, member)).rejects.toMatchObject({ code: "schedule_values_foreign" });
});

test("a fellow member who is gone leaves values to nobody", async () => {
  await expect(changesOf({ cron: "* * * * *" }, { ...member, schedule: { ...secretive, createdBy: null } })).rejects.toMatchObject({
    code: "schedule_values_foreign",
    message: expect.stringContaining("somebody who is gone"),
  });
});

test.each([
  [{ task: { script: "backup.sh", arguments: [], environment: { KEY: "mine", OTHER: "too" } } }, 'sealed {"KEY":"mine","OTHER":"too"}'],
  [{ task: { script: "backup.sh", arguments: [], environment: {} } }, null],
])("a fellow member takes over with values of their own, or without: %j", async (changes, sealedEnvironment) => {
  expect(await changesOf(changes, member)).toMatchObject({ createdById: 5, sealedEnvironment });
});

test.each([
  { name: "other", cron: "0 3 * * *", task },
  { isPaused: true, timeZone: "UTC" },
])("a fellow member who sends back what was shown, with %j, takes nothing over", async (changes) => {
  expect(await changesOf(changes, member)).not.toHaveProperty("createdById");
});

test.each([actor({ id: 1 }), actor({ id: 9, role: "administrator" })])("whoever set the values keeps them, and so does an administrator", async (by) => {
  const changed = await changesOf({ task: { ...task, arguments: ["-v"] } }, { schedule: secretive, by });
  expect(changed).toMatchObject({ createdById: by.user.id, sealedEnvironment: secretive.sealedEnvironment });
});

test("a change that somebody else was faster than is decided anew: nobody takes over values that came meanwhile", async () => {
  const written: ScheduleChanges[] = [];
  const update = async (_actor: unknown, before: ActorSchedule, { changes: given }: ScheduleUpdate): Promise<ActorSchedule | null> => {
    written.push(given);
    return before === schedule ? null : before;
  };
  const later = (now: ActorSchedule) => {
    const schedules = { update, forActor: async () => now };
    const deps = { schedules, seal, plan: async () => ({ site: null }), clock: { now: () => 0 } } as unknown as ScheduleDeps;
    return updateSchedule(deps, actor({ id: 5 }), { schedule, changes: { cron: "0 4 * * *" } });
  };
  await expect(later(secretive)).rejects.toMatchObject({ code: "schedule_values_foreign" });
  await later({ ...schedule, timeZone: "Asia/Tokyo" });
  // Four in the morning there, of the day that has begun there at midnight of UTC.
  expect(written.at(-1)).toMatchObject({ cron: "0 4 * * *", nextAt: new Date("1970-01-01T19:00:00Z") });
  await later({ ...schedule, isPaused: true });
  expect(written.at(-1)).toMatchObject({ nextAt: null });
});
