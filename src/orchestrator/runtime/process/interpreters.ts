import { realpathSync } from "node:fs";
import { findProgram } from "./machine-programs.ts";
import { runCommand } from "./run-command.ts";
import { inside, type SandboxFacts, sandboxArguments } from "./sandbox-command.ts";
import { canDisableUserNamespaces, systemFolders } from "./system-folders.ts";

/** What sites may be written in, and how each tells its version. */
const interpreters: Readonly<Record<string, readonly string[]>> = {
  node: ["node", "--version"],
  python3: ["python3", "--version"],
  php: ["php", "--version"],
  ruby: ["ruby", "--version"],
  perl: ["perl", "--version"],
  bash: ["bash", "--version"],
};

/**
 * Name → version of the interpreters that a site's program finds, asked inside a sandbox: one that lies in somebody's home
 * folder (pyenv, nvm) is there for the administrator, but not for sites.
 */
export async function probeInterpreters(nodeBinary: string = process.execPath): Promise<Readonly<Record<string, string>>> {
  const prefix = await sandboxPrefix(nodeBinary);
  const found = await Promise.all(
    Object.entries(interpreters).map(async ([name, argv]) => {
      const { code, stdout } = await runCommand([...prefix, ...argv]);
      return code === 0 ? ([name, versionIn(stdout)] as const) : null;
    }),
  );
  return Object.fromEntries(found.filter((entry) => entry !== null));
}

function versionIn(text: string): string {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? "";
}

/** Without bubblewrap programs run as they are, and are asked so. */
async function sandboxPrefix(nodeBinary: string): Promise<readonly string[]> {
  const env = findProgram("env") ?? "/usr/bin/env";
  const bwrap = findProgram("bwrap");
  const plain = [env, `PATH=${inside.path}`];
  if (bwrap === null) return plain;
  const facts: SandboxFacts = {
    systemFolders: systemFolders(),
    etcFolder: "/etc",
    etcFiles: [],
    nodeBinary: realpathSync(nodeBinary),
    // Nothing waits here; the place only has to exist.
    gate: env,
    canDisableUserNamespaces: await canDisableUserNamespaces(bwrap),
  };
  const sandbox = {
    folder: null,
    workFolder: "/",
    environment: { PATH: inside.path },
    databaseFolder: null,
    ownsNetwork: true,
    hasEgress: false,
    isEntered: false,
    tmpBytes: 1024 * 1024,
  };
  const prefix = [bwrap, ...sandboxArguments(sandbox, facts, null), "--"];
  return (await runCommand([...prefix, "true"])).code === 0 ? prefix : plain;
}
