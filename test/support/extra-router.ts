import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { edgeUser, prepareRunFolder } from "#router/edge/run-folder.ts";
import { type Backlot, checkout } from "./backlot.ts";
import { killIfThere } from "./backlot-processes.ts";
import { freePort } from "./site-program.ts";

/** A second router beside a Backlot, as on another machine: with a data folder of its own, and sites' files on storage that both share. */
export interface ExtraRouter extends AsyncDisposable {
  /** Where visitors come in. */
  readonly door: string;
  /** Its own data folder. */
  readonly data: string;
  /** Its internal API, as managers and workers have to know it. */
  readonly adminUrl: string;
  /** Resolves when it has routes and its visitors' door is open. */
  start(backlot: Backlot): Promise<void>;
  /** As when the machine goes: it and all that it started. */
  kill(): Promise<void>;
}

/** Where a router stands. */
interface RouterPlace {
  readonly host: string;
  readonly ports: readonly [door: number, admin: number];
  /** Put before its command to run it in a network of its own. */
  readonly inNetwork: readonly string[];
}

/** Chooses its places, on this machine unless told otherwise; it starts later, when there are keys. */
export async function planRouter(environment: Readonly<Record<string, string>> = {}, place?: RouterPlace): Promise<ExtraRouter> {
  const data = await mkdtemp(join(tmpdir(), "backlot-router-"));
  const { host, ports, inNetwork } = place ?? { host: "127.0.0.1", ports: [await freePort(), await freePort()], inNetwork: [] };
  const [port, adminPort] = ports;
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  // HAProxy and nginx outlive a router that was killed, on purpose; each leads a group of its own.
  const killRest = async (): Promise<void> => {
    const records = join(data, "router/programs");
    for (const name of await readdir(records).catch(() => [])) {
      const { pid } = JSON.parse(await readFile(join(records, name), "utf8")) as { readonly pid: number };
      killIfThere(-pid);
    }
    await rm(await prepareRunFolder(data, edgeUser(undefined)), { recursive: true, force: true });
  };
  return {
    data,
    door: `http://${host}:${port}`,
    adminUrl: `http://${host}:${adminPort}`,
    async start(backlot) {
      const env = {
        PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH}`,
        BACKLOT_DATA: data,
        BACKLOT_SHARED_FOLDER: backlot.data,
        BACKLOT_HOST: host,
        BACKLOT_ROUTER_PORT: String(port),
        BACKLOT_ROUTER_ADMIN_HOST: host,
        BACKLOT_ROUTER_ADMIN_PORT: String(adminPort),
        BACKLOT_MANAGER_URL: backlot.manager,
        BACKLOT_COMPONENT_KEY_FILE: join(backlot.data, "keys/router.json"),
        BACKLOT_LOG_LEVEL: "error",
        ...environment,
      };
      const [file = "", ...rest] = [...inNetwork, process.execPath, join(checkout, "bin/backlot.mjs"), "run", "router"];
      child = spawn(file, rest, { cwd: data, env, stdio: ["ignore", "inherit", "inherit"] });
      const deadline = performance.now() + 60_000;
      while (!(await isReady(`http://${host}:${adminPort}/readyz`)) || !(await isReady(`http://${host}:${port}/`, 600))) {
        if (child.exitCode !== null || performance.now() > deadline) throw new Error("the second router did not come up");
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    kill: async () => {
      await end("SIGKILL");
      await killRest();
    },
    async [Symbol.asyncDispose]() {
      await end("SIGTERM");
      await killRest();
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function isReady(url: string, below = 300): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.body?.cancel();
      return response.status < below;
    },
    () => false,
  );
}
