import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import type { ComponentClient } from "#kit/component-client.ts";
import { supervisedFlag } from "#kit/lifecycle.ts";
import { childMessage } from "#supervisor/child-protocol.ts";
import { belongsTo, processesWhere } from "./backlot-processes.ts";
import { childEnvironment } from "./child-environment.ts";
import { clientOf, type OrchestratorHome } from "./orchestrator-under-test.ts";

const entry = fileURLToPath(new URL("../../bin/backlot.mjs", import.meta.url));

/** An orchestrator in a process of its own. */
export interface OrchestratorProcess extends AsyncDisposable {
  readonly client: ComponentClient;
  readonly url: string;
  readonly pid: number;
  /** Ends it as a crash of the machine would, without a word. */
  kill(): Promise<void>;
}

/** `inNetwork`: put before the command to run it in another network. */
export async function spawnOrchestrator(home: OrchestratorHome, inNetwork: readonly string[] = []): Promise<OrchestratorProcess> {
  const [file = "", ...rest] = [...inNetwork, process.execPath, entry, "run", "orchestrator", supervisedFlag];
  const env = { ...childEnvironment, BACKLOT_LOG_LEVEL: "silent", ...home.environment };
  const child = spawn(file, rest, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [message] = (await Promise.race([once(child, "message"), failed(child)])) as [unknown];
  const url = childMessage.parse(message).doors.orchestrator ?? "";
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  };
  return { client: clientOf(home, url), url, pid: child.pid ?? 0, kill: () => end("SIGKILL"), [Symbol.asyncDispose]: () => end("SIGTERM") };
}

/** Waits until no process of this data folder is left, whoever its parent is. */
export async function untilNoProcessIsLeft(home: OrchestratorHome): Promise<void> {
  await vi.waitFor(
    () => {
      const left = processesWhere(({ pid }) => pid !== process.pid && belongsTo(pid, basename(home.data)));
      if (left.length > 0) throw new Error(`still there: ${left.map(({ pid, command }) => `${pid} ${command}`).join("; ")}`);
    },
    { timeout: 20_000, interval: 20 },
  );
}

/** How many processes of this data folder there are besides the orchestrator itself. */
export function countProgramsOf(home: OrchestratorHome): number {
  return processesWhere(({ pid, command }) => pid !== process.pid && !command.includes(entry) && belongsTo(pid, basename(home.data))).length;
}

async function failed(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, "exit");
  throw new Error(`the orchestrator ended before it was ready: ${code ?? signal}`);
}
