import pg from "pg";
import { describe, expect, it } from "vitest";
import { connectionRefusal, isDatabaseAway, isDiskFull, isMissingReference, violates } from "./database-error.ts";

function serverError(code: string, constraint?: string, message = "said the server"): pg.DatabaseError {
  const error = new pg.DatabaseError(message, 1, "error");
  error.code = code;
  if (constraint !== undefined) error.constraint = constraint;
  return error;
}

describe("an error of the database", () => {
  it("says that the server is away when it cannot be reached, or is not taking anybody now", () => {
    for (const code of ["ECONNREFUSED", "ENOENT", "ETIMEDOUT"]) expect(isDatabaseAway(Object.assign(new Error("x"), { code }))).toBe(true);
    for (const code of ["57P03", "53300", "08006"]) expect(isDatabaseAway(serverError(code))).toBe(true);
    expect(isDatabaseAway(new Error("Connection terminated unexpectedly"))).toBe(true);
    for (const words of ["Query read timeout", "Client was closed and is not queryable"]) expect(isDatabaseAway(new Error(words))).toBe(true);
    for (const error of [serverError("28P01"), serverError("23505"), new Error("a bug"), "text", null]) expect(isDatabaseAway(error)).toBe(false);
  });

  it("says that the disk is full by its code, or by the words of the system where there is no code for it", () => {
    expect(isDiskFull(serverError("53100"))).toBe(true);
    for (const code of ["58030", "XX000"]) {
      expect(isDiskFull(serverError(code, undefined, 'could not write file "base/5/1": Disk quota exceeded'))).toBe(true);
      // A disk that is broken is not mended by deleting something.
      expect(isDiskFull(serverError(code, undefined, 'could not read file "base/5/1": Input/output error'))).toBe(false);
    }
    for (const error of [serverError("23505"), new Error("No space left on device"), null]) expect(isDiskFull(error)).toBe(false);
  });

  it("tells a person what to mend in DATABASE_URL", () => {
    expect(connectionRefusal(serverError("28P01"))).toContain("password");
    expect(connectionRefusal(serverError("3D000"))).toContain("createdb");
    for (const error of [serverError("23505"), new Error("28P01"), null]) expect(connectionRefusal(error)).toBeNull();
  });

  it("names the rule that was broken", () => {
    expect(violates(serverError("23505", "sites_name_unique"), "sites_name_unique")).toBe(true);
    expect(violates(serverError("23505", "other"), "sites_name_unique")).toBe(false);
    expect(violates(new Error("sites_name_unique"), "sites_name_unique")).toBe(false);
    expect(isMissingReference(serverError("23503"))).toBe(true);
    expect(isMissingReference(serverError("23505"))).toBe(false);
  });
});
