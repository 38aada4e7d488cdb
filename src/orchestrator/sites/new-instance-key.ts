import { randomBytes } from "node:crypto";

/** A key for an instance that nobody named, unlike any other. */
export function newInstanceKey(): string {
  return `wake-${randomBytes(6).toString("hex")}`;
}
