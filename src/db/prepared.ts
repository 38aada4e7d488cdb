import { CompiledQuery, type QueryExecutorProvider } from "kysely";

const names = new Map<string, string>();

/** The name under which each connection keeps what it made of a statement; undefined for one that is parsed and planned anew each time. */
export function preparedName(text: string): string | undefined {
  return names.get(text);
}

/** A statement with its values as `$1`, `$2`, …. */
export type Statement<Row> = (db: Runs, values: readonly unknown[]) => Promise<readonly Row[]>;

interface Runs extends QueryExecutorProvider {
  executeQuery<Row>(query: CompiledQuery<Row>): Promise<{ readonly rows: readonly Row[] }>;
}

/**
 * A statement that is run so often that to read and to plan it would cost more than to do what it says: each connection keeps what it made of it, and plans
 * it anew from time to time, since tables grow. To be called once for each text, when a module is loaded.
 */
export function prepare<Row>(text: string): Statement<Row> {
  names.set(text, `backlot_${names.size + 1}`);
  return async (db, values) => (await db.executeQuery(CompiledQuery.raw(text, [...values]) as CompiledQuery<Row>)).rows;
}
