import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { OldTask } from "#core/tasks/task-archive.ts";
import { openTaskStage, type TaskStage } from "../../../test/support/broker-worker.ts";
import { PostgresTaskArchive } from "./postgres-task-archive.ts";

let stage: TaskStage;
beforeAll(async () => {
  stage = await openTaskStage();
});
afterAll(() => stage[Symbol.asyncDispose]());

test("old tasks are told from the oldest on, each once when asked for behind the last one, also those that ended at the same moment", async () => {
  const archive = new PostgresTaskArchive(stage.db);
  const [early, late, young] = [await stage.add(1), await stage.add(5), await stage.add(1)];
  const end = (uids: readonly string[], moment: string) =>
    sql`update tasks set state = 'succeeded', finished_at = ${moment}::timestamptz where uid = any(${uids}::uuid[])`.execute(stage.db);
  await end(early, "2025-01-01T10:00:00.123455Z");
  await end(late, "2025-01-01T10:00:00.123456Z");
  await end(young, "2999-01-01T10:00:00Z");
  const told: OldTask[] = [];
  for (let rounds = 0; rounds < 10; rounds += 1) {
    const some = await archive.endedLongAgo({ olderThanMs: 1_000, limit: 2, behind: told.at(-1) ?? null });
    told.push(...some);
    if (some.length === 0) break;
  }
  expect(told.map(({ uid }) => uid)).toEqual([...early, ...late.toSorted()]);
});
