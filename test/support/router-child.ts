import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RunningService } from "#kit/lifecycle.ts";
import { supervisedFlag } from "../../src/kit/lifecycle.ts";
import { childMessage } from "../../src/supervisor/child-protocol.ts";
import { childEnvironment } from "./child-environment.ts";

const entry = fileURLToPath(new URL("../../bin/backlot.mjs", import.meta.url));

/** A router in an operating-system process of its own, started as the supervisor starts it. */
export interface RouterChild extends RunningService {
  readonly pid: number;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

/** Starts `backlot run router` and resolves when its doors are open. */
export async function startRouterChild(environment: Readonly<Record<string, string>>): Promise<RouterChild> {
  const child = fork(entry, ["run", "router", supervisedFlag], {
    env: { ...childEnvironment, BACKLOT_LOG_LEVEL: "silent", ...environment },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const gone = exited.then(([code, signal]) => {
    throw new Error(`the router ended with ${code ?? signal}`);
  });
  gone.catch(() => undefined);
  const [message] = (await Promise.race([once(child, "message"), gone])) as [unknown];
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { doors: childMessage.parse(message).doors, pid: child.pid ?? 0, stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}
