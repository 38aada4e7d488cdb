import pg from "pg";

/** Whether an error says that a rule of the tables was broken, named as in the migration. */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint;
}

/** Whether an error says that the row referred to does not exist. */
export function isMissingReference(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "23503";
}

const lostLine = ["ECONNREFUSED", "ECONNRESET", "ENOENT", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EPIPE", "EACCES"];
/** Shutting down, crashed, starting up, out of connections. */
const busyServer = ["57P01", "57P02", "57P03", "53300"];

/** Whether a question was given up for want of any answer: what became of it is not known, and its connection is still busy with it. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

const noLine = /connection terminated|timeout exceeded when trying to connect|and is not queryable/i;

/** Whether an error of connecting says that there is no server now, though there may be one later: not a wrong password. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code === undefined) return isUnanswered(error) || noLine.test(error.message);
  return lostLine.includes(code) || busyServer.includes(code) || code.startsWith("08");
}

/** What the system's own words are, which PostgreSQL cites: a quota, or a write that fell short, has no code of its own there. */
const noRoom = /no space left on device|disk quota exceeded|disk full/i;

/** Whether an error says that the server's disk has no room for what was asked. The transaction is undone, and reading goes on. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "53100" || (ownTrouble.includes(error.code ?? "") && noRoom.test(error.message)));
}
/** A failed read or write, and what the server has no code for. */
const ownTrouble = ["58030", "XX000"];

/** What a person is told who cannot connect for a reason that waiting does not mend; null for anything else. */
export function connectionRefusal(error: unknown): string | null {
  if (!(error instanceof pg.DatabaseError)) return null;
  if (error.code === "28P01" || error.code === "28000") return `The database server refuses the user or password: ${error.message}. Check DATABASE_URL.`;
  if (error.code === "3D000") return `The database does not exist: ${error.message}. Create it with \`createdb -E UTF8\`, or check DATABASE_URL.`;
  return null;
}
