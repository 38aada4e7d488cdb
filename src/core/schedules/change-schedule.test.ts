import { expect, test } from "vitest";
import { actor } from "../../../test/support/builders.ts";
import { type ScheduleDeps, updateSchedule } from "./change-schedule.ts";
import type { ActorSchedule, ScheduleChanges } from "./schedule-store.ts";

const schedule = { id: "s", cron: "0 3 * * *", timeZone: "UTC", isPaused: false, createdBy: { id: 1, username: "root" } } as ActorSchedule;

async function changesOf(changes: Parameters<typeof updateSchedule>[2]["changes"]): Promise<ScheduleChanges> {
  const written: ScheduleChanges[] = [];
  const update = async (_actor: unknown, before: ActorSchedule, given: ScheduleChanges): Promise<ActorSchedule> => {
    written.push(given);
    return before;
  };
  const deps = { schedules: { update }, clock: { now: () => 0 } } as unknown as ScheduleDeps;
  await updateSchedule(deps, actor({ id: 5 }), { schedule, changes });
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
