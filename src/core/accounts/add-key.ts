import { Failure } from "#contract/failure.ts";
import type { KeyStore, SshKey } from "./key-store.ts";
import { parsePublicKey } from "./public-key.ts";
import type { User } from "./user.ts";

/** As many keys as one person has: more than devices. */
const mostKeys = 50;

/**
 * Adds a public key of a person.
 * @throws {Failure} `key_invalid`, `key_private`, `key_taken`, `key_limit_reached`, `not_signed_in`.
 */
export async function addKey(
  deps: { readonly keys: KeyStore; readonly newId: () => string },
  input: { readonly user: Pick<User, "id" | "epoch">; readonly title: string | undefined; readonly text: string },
): Promise<SshKey> {
  const key = parsePublicKey(input.text);
  const own = await deps.keys.list(input.user.id);
  const same = own.find(({ fingerprint }) => fingerprint === key.fingerprint);
  if (same !== undefined) throw new Failure("key_taken", { title: same.title });
  if (own.length >= mostKeys) throw new Failure("key_limit_reached", { count: own.length });
  const title = input.title || key.comment || `${key.algorithm} key`;
  const added = await deps.keys.create({ id: deps.newId(), user: input.user, title, key });
  if (added === null) throw new Failure("not_signed_in");
  return added;
}
