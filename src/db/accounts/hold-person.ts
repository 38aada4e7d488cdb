import type { User } from "#core/accounts/user.ts";
import type { Change } from "../notifications.ts";

/**
 * Keeps a person as they are until this change is there, so that whoever takes their access away waits, and finds what this change made for them;
 * false when their access has changed since they were looked at, or has ended.
 */
export async function holdPerson(change: Change, { id, epoch }: Pick<User, "id" | "epoch">): Promise<boolean> {
  const row = await change
    .selectFrom("users")
    .select("id")
    .where("id", "=", id)
    .where("epoch", "=", epoch)
    .where("isActive", "=", true)
    .forShare()
    .executeTakeFirst();
  return row !== undefined;
}
