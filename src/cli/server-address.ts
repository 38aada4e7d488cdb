import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { usageError } from "./exit-code.ts";
import type { Settings } from "./settings-file.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Which server a command talks to, and who said so. */
export interface ServerAddress {
  /** Without a trailing slash. */
  readonly url: string;
  readonly from: "--server" | "BACKLOT_SERVER" | "settings" | "endpoints.json" | "default";
}

/** `--server`, else BACKLOT_SERVER, else the last `backlot login`, else the endpoints.json of a Backlot started here, else localhost:8000. */
export async function serverAddress(asked: string | undefined, environment: Environment, settings: Settings): Promise<ServerAddress> {
  if (asked !== undefined) return { url: normalUrl(asked), from: "--server" };
  if (environment.BACKLOT_SERVER) return { url: normalUrl(environment.BACKLOT_SERVER), from: "BACKLOT_SERVER" };
  if (settings.defaultServer !== undefined) return { url: settings.defaultServer, from: "settings" };
  const started = await readEndpoints(environment);
  if (started?.manager !== undefined) return { url: normalUrl(started.manager), from: "endpoints.json" };
  return { url: "http://localhost:8000", from: "default" };
}

/** The doors of a Backlot that was started on this machine with this data folder, when it is open. */
export async function readEndpoints(
  environment: Environment,
): Promise<{ readonly manager?: string; readonly router?: string; readonly ftp?: string; readonly ssh?: string } | undefined> {
  const path = join(environment.BACKLOT_DATA || "data", "endpoints.json");
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const door = (name: "manager" | "router"): Record<string, string> => {
      const url: unknown = (value as Readonly<Record<string, unknown>>)[name];
      return typeof url === "string" ? { [name]: url } : {};
    };
    // These two stand there without a scheme.
    const bare = (name: "ftp" | "ssh"): Record<string, string> => {
      const address: unknown = (value as Readonly<Record<string, unknown>>)[name];
      return typeof address === "string" ? { [name]: `${name}://${address}` } : {};
    };
    return { ...door("manager"), ...door("router"), ...bare("ftp"), ...bare("ssh") };
  } catch {
    // Absent while nothing runs, and half of it can never be seen (it is renamed into place): either way there is no door.
    return undefined;
  }
}

/** A server's address as people type it: the scheme may be left out, and slashes at the end. */
export function normalUrl(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    throw usageError(`${text} is not the address of a server. Write it like http://localhost:8000.`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw usageError(`The address of a server starts with http:// or https://, not ${url.protocol}`);
  if (url.username !== "" || url.password !== "") throw usageError("Leave user name and password out of the address; `backlot login` asks for them.");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
