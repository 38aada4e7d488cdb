import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import type { HostKeyView } from "#contract/internal/doors.ts";
import { ConfigError } from "#kit/config.ts";

/** A key by which people know the door. */
export interface HostKey extends HostKeyView {
  /** The private key, as OpenSSH writes it. */
  readonly text: string;
}

const kinds = [
  { file: "host_ed25519", make: () => ssh2.utils.generateKeyPairSync("ed25519") },
  { file: "host_ecdsa", make: () => ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }) },
] as const;

/**
 * The door's host keys, made on the first start and kept.
 * @throws {ConfigError} when one is there but not usable: with a new one everybody's client would warn of an attack.
 */
export async function openHostKeys(folder: string): Promise<readonly HostKey[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(kinds.map(async ({ file, make }) => readHostKey(join(folder, file), make)));
}

async function readHostKey(path: string, make: () => { readonly private: string }): Promise<HostKey> {
  const text = (await readIfThere(path)) ?? (await keep(path, makeReadable(make)));
  const key = privateKeyOf(text);
  if (key === null) {
    throw new ConfigError([`The host key ${path} is damaged; restore it from a backup, or delete it to have a new one made (clients will warn once)`]);
  }
  const fingerprint = `SHA256:${createHash("sha256").update(key.getPublicSSH()).digest("base64").replace(/=+$/, "")}`;
  return { algorithm: key.type, fingerprint, text };
}

/** Of ssh2's new ed25519 keys one in three hundred cannot be read, by itself or by anybody: another is made then. */
export function makeReadable(make: () => { readonly private: string }): string {
  for (let tries = 0; tries < 50; tries += 1) {
    const text = make().private;
    if (privateKeyOf(text) !== null) return text;
  }
  throw new Error("no host key that can be read was made");
}

function privateKeyOf(text: string): ssh2.ParsedKey | null {
  const parsed = ssh2.utils.parseKey(text);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key === undefined || key instanceof Error || !key.isPrivateKey() ? null : key;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw Object.assign(new ConfigError([`The host key ${path} cannot be read`]), { cause: error });
  }
}

// There whole or not at all, whenever the machine stops; and when two start at once, both have the key of the first.
async function keep(path: string, text: string): Promise<string> {
  const draft = `${path}.${randomUUID()}.tmp`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await file.close();
    await unlink(draft);
  }
  const folder = await open(join(path, ".."), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
  return readFile(path, "utf8");
}
