import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkout } from "./backlot.ts";
import { killIfThere, processesWhere } from "./backlot-processes.ts";

/** A second orchestrator beside a Backlot, in a process of its own, with sites' files on storage that both share. */
export interface ExtraOrchestrator extends AsyncDisposable {
  readonly url: string;
  readonly data: string;
  start(shared: string): void;
  /** As when the machine goes: no farewell. */
  kill(): Promise<void>;
  send(signal: NodeJS.Signals): void;
}

/** Chooses its place; it starts later, when there are keys. */
export async function planOrchestrator(): Promise<ExtraOrchestrator> {
  const data = await mkdtemp(join(tmpdir(), "backlot-node-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    data,
    start(shared) {
      const env = {
        PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH}`,
        BACKLOT_DATA: data,
        BACKLOT_SHARED_FOLDER: shared,
        BACKLOT_ORCHESTRATOR_PORT: String(port),
        BACKLOT_COMPONENT_KEY_FILE: join(shared, "keys/orchestrator.json"),
        BACKLOT_LOG_LEVEL: "error",
      };
      child = spawn(process.execPath, [join(checkout, "bin/backlot.mjs"), "run", "orchestrator"], { cwd: data, env, stdio: ["ignore", "inherit", "inherit"] });
    },
    kill: () => end("SIGKILL"),
    send: (signal) => void child?.kill(signal),
    async [Symbol.asyncDispose]() {
      child?.kill("SIGCONT");
      await end("SIGTERM");
      for (const { pid } of processesWhere(({ command }) => command.includes(data))) killIfThere(pid);
      await rm(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
