import { readFile } from "node:fs/promises";
import { createKey, deleteKey, listKeys, readSshDoor } from "#contract/api/keys.ts";
import { Failure } from "#contract/failure.ts";
import { holdsPrivateKey } from "#contract/private-key.ts";
import { usageError } from "../exit-code.ts";
import { needSignIn, type Session } from "../session.ts";
import { columnsOf } from "../terminal.ts";

/** Adds a public key of mine, out of its .pub file. */
export async function addKey(session: Session, file: string, options: { readonly title?: string }): Promise<void> {
  needSignIn(session);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw Object.assign(usageError(`${file} cannot be read. Name the file of a public key, like ~/.ssh/id_ed25519.pub.`), { cause });
  });
  // Here already: what the server refuses has left this machine, and stands in whatever recorded it on the way.
  if (holdsPrivateKey(text)) throw new Failure("key_private");
  const { key } = await session.client.call(createKey, { body: { key: text, ...(options.title === undefined ? {} : { title: options.title }) } });
  await session.answer({ key }, `Added ${key.title}: ${key.fingerprint}\n`);
}

/** Lists my public keys, and the host keys by which one knows this Backlot. */
export async function showKeys(session: Session): Promise<void> {
  needSignIn(session);
  const [{ keys }, { ssh }] = await Promise.all([session.client.call(listKeys, {}), session.client.call(readSshDoor, {})]);
  const rows = keys.map((key) => [key.id, key.title, `${key.algorithm} ${key.bits}`, key.fingerprint, key.lastUsedAt ?? "never"]);
  const table = columnsOf([["ID", "TITLE", "KIND", "FINGERPRINT", "LAST USED"], ...rows]);
  const hosts = ssh?.keys.map((key) => `Host key  ${key.algorithm} ${key.fingerprint}\n`).join("") ?? "";
  const door = ssh === null ? "There is no SSH here.\n" : `SSH       ssh USER/SITE@${ssh.host} -p ${ssh.port}\n${hosts}`;
  await session.answer({ keys, ssh }, `${table}\n${door}`);
}

/** Removes a public key of mine. */
export async function removeKey(session: Session, id: string): Promise<void> {
  needSignIn(session);
  await session.client.call(deleteKey, { params: { id } });
  await session.answer({ id }, `Key ${id} is removed; what it opened has ended.\n`);
}
