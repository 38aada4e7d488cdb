import { CamelCasePlugin, Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import { isDatabaseAway, isDiskFull, isUnanswered } from "./database-error.ts";
import { preparedName } from "./prepared.ts";
import type { Tables } from "./tables.ts";

/** The database, over a pool of connections; `destroy()` closes them. */
export type Database = Kysely<Tables>;

/** How to reach the database. */
export interface DatabaseOptions {
  /** `postgres://…`, also with `?host=/folder/of/a/unix/socket`. */
  readonly url: string;
  readonly maxConnections: number;
  readonly log: Log;
  /** The longest that one statement may take; 0 for no limit. 15 s unless given: no query of ours takes one. */
  readonly statementTimeoutMs?: number;
  /** How long plans of what is prepared are kept; tests keep them for less. */
  readonly plansKeptMs?: number;
}

/** The plan of a table with ten rows is a bad one for ten thousand, and nobody knows when it has them. */
const usualPlansKeptMs = 10_000;

/** Opens a pool; the first connection is made by the first query, and lost ones are made anew. */
export function openDatabase(options: DatabaseOptions): Database {
  const { url, maxConnections, log, statementTimeoutMs = 15_000, plansKeptMs = usualPlansKeptMs } = options;
  const pool = new pg.Pool({
    ...connectionSettings(url),
    max: maxConnections,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    // The server's own limit is silent when the server or the line to it is gone.
    ...(statementTimeoutMs === 0 ? {} : { query_timeout: statementTimeoutMs + 5_000 }),
    idle_in_transaction_session_timeout: 30_000,
  });
  // A connection that breaks is replaced by the next query; unheard, these events would end the process. The pool hears
  // those of idle connections only: one that breaks in the middle of a query is heard by nobody but us.
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  pool.on("connect", (client) => {
    client.on("error", (error) => log.debug({ err: error }, "a database connection was lost"));
    const query = client.query.bind(client);
    // Given back, it would be the first to be taken again, and the next question would wait behind the one that nobody answers.
    const failed = (error: unknown): never => {
      if (isUnanswered(error)) void client.end();
      return translate(error);
    };
    let plannedAt = performance.now();
    const send = (given: readonly unknown[]): unknown => Reflect.apply(query, undefined, given);
    Object.assign(client, {
      query: (...given: readonly unknown[]): unknown => {
        const asked = named(given);
        const isStale = asked !== given && performance.now() - plannedAt > plansKeptMs;
        if (isStale) plannedAt = performance.now();
        const answer = isStale ? query("discard plans").then(() => send(asked)) : send(asked);
        return answer instanceof Promise ? answer.catch(failed) : answer;
      },
    });
  });
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: { options: pool.options, Client: pg.Client, connect: () => pool.connect().catch(translate), end: () => pool.end() } }),
    // Limits, settings, inputs and details are ours: their keys are not columns.
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

/** What was prepared goes out under its name. */
function named(given: readonly unknown[]): readonly unknown[] {
  const [text, values, ...rest] = given;
  const name = typeof text === "string" ? preparedName(text) : undefined;
  return name === undefined ? given : [{ name, text, values }, ...rest];
}

/** That the database is away, or has no room, is something to tell people, and to try again; anything else is a bug. */
function translate(error: unknown): never {
  if (isDatabaseAway(error)) throw new Failure("component_away", { component: "database" }, { cause: error });
  if (isDiskFull(error)) throw new Failure("disk_full", { component: "database" }, { cause: error });
  throw error;
}

/** What every connection of ours is made with. */
export function connectionSettings(url: string): pg.ClientConfig {
  return { connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true, application_name: "backlot", types: { getTypeParser: typeParser } };
}

const int8 = 20;

// bigint columns are counters: numbers in JavaScript, and never silently rounded.
const typeParser: typeof pg.types.getTypeParser = (id: number, format?: unknown) => {
  if (id === int8 && format !== "binary") return parseInt8;
  // The overloads of pg's typings tell text from binary, of which only text is ever used here.
  return pg.types.getTypeParser(id, format as "text");
};

function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`the number ${text} is too large`);
  return value;
}
