import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClusterKey, clusterKey, componentKey, componentKeyOf } from "#kit/cluster-key.ts";
import { ConfigError } from "#kit/config.ts";
import { writeFileAtomically } from "./atomic-file.ts";

/** The components that get a key file of their own. */
const holders = ["orchestrator", "router", "ftp", "shell"] as const;

/** Where each process finds its key. */
export type KeyFiles = Readonly<Record<"cluster" | (typeof holders)[number], string>>;

/**
 * The keys by which the processes know each other, made on the first start.
 * @throws {ConfigError} when a key file is there but not usable: a new key would lock out whoever holds the old one, and what was sealed with it is lost.
 */
export async function ensureKeys(folder: string): Promise<KeyFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files: KeyFiles = {
    cluster: join(folder, "cluster.json"),
    orchestrator: join(folder, "orchestrator.json"),
    router: join(folder, "router.json"),
    ftp: join(folder, "ftp.json"),
    shell: join(folder, "shell.json"),
  };
  const key = (await readKey(files.cluster, (value) => clusterKey.parse(value))) ?? (await makeClusterKey(files.cluster));
  for (const component of holders) {
    const expected = componentKeyOf(key, component);
    const found = await readKey(files[component], (value) => componentKey.parse(value));
    if (found === undefined) await write(files[component], expected);
    else if (found.secret !== expected.secret)
      throw new ConfigError([`${files[component]} does not belong to ${files.cluster}; delete it to have it made again`]);
  }
  return files;
}

async function makeClusterKey(file: string): Promise<ClusterKey> {
  // Loaded here only: needed once in the life of an installation.
  const { exportJWK, generateKeyPair } = await import("jose");
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  const made = { signingKey: await exportJWK(pair.privateKey), publicKey: await exportJWK(pair.publicKey), secret: randomBytes(32).toString("base64url") };
  const key = clusterKey.parse(made);
  await write(file, key);
  return key;
}

async function readKey<T>(file: string, parse: (value: unknown) => T): Promise<T | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new ConfigError([`The key file ${file} cannot be read (${error.code})`]);
  });
  if (text === undefined) return undefined;
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    throw Object.assign(
      new ConfigError([`The key file ${file} is damaged; restore it from a backup, or delete the folder that holds it to start with new keys`]),
      { cause },
    );
  }
}

async function write(file: string, key: unknown): Promise<void> {
  await writeFileAtomically(file, `${JSON.stringify(key, null, 2)}\n`, 0o600);
}
