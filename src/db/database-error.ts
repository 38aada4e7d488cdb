import pg from "pg";

/** Whether an error says that a rule of the tables was broken, named as in the migration. */
export function violates(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint;
}

/** Whether an error says that the row referred to does not exist. */
export function isMissingReference(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "23503";
}
