import { sql } from "kysely";
import { expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { createTestDatabase } from "../../test/support/test-database.ts";
import { openDatabase } from "./database.ts";
import { prepare } from "./prepared.ts";

const addOne = prepare<{ readonly theSum: number }>("select $1::int + 1 as the_sum from generate_series(1, 2)");

it("a prepared statement is read once for each connection, gives rows like any other, and is planned anew from time to time", async () => {
  await using test = await createTestDatabase();
  await using db = openDatabase({ url: test.url, maxConnections: 1, log: silentLog(), plansKeptMs: 0 });
  const plans = async () => {
    const { rows } = await sql<{ custom: number; generic: number }>`
      select generic_plans::int as generic, custom_plans::int as custom from pg_prepared_statements where statement like 'select $1::int + 1%'`.execute(db);
    return rows;
  };
  for (let number = 1; number <= 8; number += 1) expect(await addOne(db, [number])).toEqual([{ theSum: number + 1 }, { theSum: number + 1 }]);
  const [first, ...others] = await plans();
  expect(others).toEqual([]);
  expect((first?.custom ?? 0) + (first?.generic ?? 0)).toBe(8);
  expect(first?.generic).toBeGreaterThan(0);
  await db.transaction().execute(async (change) => expect(await addOne(change, [1])).toHaveLength(2));
});

it("a prepared statement that fails is a bug like any other, and can be run again", async () => {
  await using test = await createTestDatabase();
  await using db = openDatabase({ url: test.url, maxConnections: 1, log: silentLog() });
  const divide = prepare<{ readonly quotient: number }>("select 6 / $1::int as quotient");
  await expect(divide(db, [0])).rejects.toThrow(/division by zero/);
  expect(await divide(db, [2])).toEqual([{ quotient: 3 }]);
});
