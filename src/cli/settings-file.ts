import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { CliError } from "./exit-code.ts";

/** What a sign-in left for one server. */
export interface StoredSignIn {
  readonly username: string;
  readonly token: string;
  /** Absent when the person brought the token along: it is not ours to revoke. */
  readonly tokenId?: string;
}

/** The command line's own file: `~/.config/backlot/config.json`, readable by its owner only. */
export interface Settings {
  readonly defaultServer?: string;
  readonly servers: Readonly<Record<string, StoredSignIn>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the settings stand: below XDG_CONFIG_HOME, else ~/.config. */
export function settingsPath(environment: Environment): string {
  const home = environment.HOME || homedir();
  return join(environment.XDG_CONFIG_HOME || join(home, ".config"), "backlot", "config.json");
}

/** Reads the settings; no file means none. */
export async function readSettings(environment: Environment): Promise<Settings> {
  const path = settingsPath(environment);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { servers: {} };
    throw new CliError("settings_unreadable", `The settings ${path} cannot be read: ${error instanceof Error ? error.message : error}.`, { cause: error });
  }
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError("settings_unreadable", `The settings ${path} are damaged. Delete the file and sign in again by \`backlot login\`.`, { cause });
  }
}

/** Writes the settings whole: a new file of mode 0600, renamed over the old one. */
export async function writeSettings(environment: Environment, settings: Settings): Promise<void> {
  const path = settingsPath(environment);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await replaceFile(path, `${JSON.stringify(settings, null, 2)}\n`);
  } catch (error) {
    throw new CliError("settings_unwritable", `The settings ${path} cannot be written: ${error instanceof Error ? error.message : error}.`, { cause: error });
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
    await file.close();
    await rename(draft, path);
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
}

// By hand and not by Zod: loading Zod costs more than all the rest of a short command.
function parse(value: unknown): Settings {
  if (!isRecord(value)) throw new Error("not an object");
  const servers: Record<string, StoredSignIn> = {};
  for (const [url, stored] of Object.entries(isRecord(value.servers) ? value.servers : {})) {
    if (!isRecord(stored) || typeof stored.username !== "string" || typeof stored.token !== "string") throw new Error(`the entry of ${url} is damaged`);
    const tokenId = typeof stored.tokenId === "string" ? { tokenId: stored.tokenId } : {};
    servers[url] = { username: stored.username, token: stored.token, ...tokenId };
  }
  return { ...(typeof value.defaultServer === "string" ? { defaultServer: value.defaultServer } : {}), servers };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
