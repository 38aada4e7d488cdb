import { join } from "node:path";
import { siteDatabaseHost } from "#contract/site-database.ts";
import { type RunCommand, type RunPlace, type RunRequest, siteScriptsFolder } from "../run.ts";
import { siteEnvironment } from "./site-environment.ts";

/** Where things are as the program of a run sees them. */
export interface RunPaths {
  readonly work: string;
  readonly scripts: string;
  readonly home: string;
  readonly path: string;
  /** Null where the place has no database. */
  readonly databaseHost: string | null;
}

/** The program and its arguments. */
export function runCommandLine(command: RunCommand, argumentList: readonly string[], scripts: string): readonly string[] {
  if (command.kind === "command") return ["/bin/sh", "-c", command.command, "sh", ...argumentList];
  const path = join(scripts, command.path);
  // The shell itself runs a text that the kernel cannot: what it does with `"$0"` is what every shell does.
  if (command.shellArguments !== null) return ["/bin/sh", "-c", `"$0" ${command.shellArguments}`, path];
  return command.needsShell ? ["/bin/sh", path, ...argumentList] : [path, ...argumentList];
}

/** Every variable that a run sees. Nothing of the orchestrator's own is among them. */
export function runEnvironment(request: Pick<RunRequest, "place" | "environment">, paths: RunPaths): Readonly<Record<string, string>> {
  return { ...placeEnvironment(request.place, paths), ...request.environment };
}

function placeEnvironment(place: RunPlace, paths: RunPaths): Readonly<Record<string, string>> {
  const { home, path, databaseHost } = paths;
  if (place.kind === "home") return { LANG: "C.UTF-8", TZ: place.timeZone, HOME: home, PATH: path, USER: "site" };
  // A run listens nowhere, so it has no address to listen at.
  const { PORT: _port, HOST: _host, ...rest } = siteEnvironment(place.spec, { host: "", port: 0, home, path, databaseHost });
  return rest;
}

/** The paths of a run inside a sandbox. */
export function sandboxPaths(
  place: RunPlace,
  inside: { readonly site: string; readonly home: string; readonly path: string; readonly homeFolder: string; readonly library: string },
  hasDatabase: boolean,
): RunPaths {
  const { path } = inside;
  if (place.kind === "home") return { work: inside.homeFolder, scripts: inside.library, home: inside.homeFolder, path, databaseHost: null };
  return { work: inside.site, scripts: join(inside.site, siteScriptsFolder), home: inside.home, path, databaseHost: hasDatabase ? siteDatabaseHost : null };
}
