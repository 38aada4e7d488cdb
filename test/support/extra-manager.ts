import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type Backlot, checkout } from "./backlot.ts";
import { environmentOfControl } from "./extra-worker.ts";

/** One more manager on the same database, as on another machine. */
export interface ExtraManager extends AsyncDisposable {
  readonly url: string;
  /** Starts it (again), and resolves when it is ready for requests. */
  start(backlot: Backlot): Promise<void>;
  /** Ends it, SIGKILL as when the machine goes, and resolves when it is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Chooses its place; it starts later, when there are keys and a database. */
export function planManager(port: number): ExtraManager {
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  return {
    url,
    async start(backlot) {
      const env = { ...(await environmentOfControl(backlot)), BACKLOT_PORT: String(port), BACKLOT_LOG_LEVEL: "error" };
      child = spawn(process.execPath, [join(checkout, "bin/backlot.mjs"), "run", "manager"], { env, stdio: ["ignore", "inherit", "inherit"] });
      const deadline = performance.now() + 60_000;
      while (!(await isReady(url))) {
        if (child.exitCode !== null || performance.now() > deadline) throw new Error("the second manager did not come up");
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    end,
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    async (response) => {
      await response.body?.cancel();
      return response.ok;
    },
    () => false,
  );
}
