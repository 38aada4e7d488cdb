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

/** A statement whose text is written out: to put it together anew would take as long as to run it. */
export function statementOf<Row>(text: string): Statement<Row> {
  return async (db, values) => (await db.executeQuery(CompiledQuery.raw(text, [...values]) as CompiledQuery<Row>)).rows;
}

/**
 * The same for one that is run so often that the server shall read and plan it once for each connection. Only for statements that are done the same way
 * however large their tables are: the plan of a new installation stays in use while the tables grow. To be called once for each text.
 */
export function prepare<Row>(text: string): Statement<Row> {
  names.set(text, `backlot_${names.size + 1}`);
  return statementOf(text);
}
