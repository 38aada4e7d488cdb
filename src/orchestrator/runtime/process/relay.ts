import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { identify, type ProcessId } from "./process-table.ts";
import { type RelayPlan, relayCommand } from "./relay-command.ts";
import { withPipes } from "./with-pipes.ts";

export interface Relay {
  readonly process: ProcessId | null;
  /** Resolves when connections are taken; rejects when the relay ended before. */
  readonly listens: Promise<void>;
  stop(): void;
}

/** Starts a relay. */
export function startRelay(plan: RelayPlan): Relay {
  const [file = "", ...rest] = relayCommand(plan);
  const child = withPipes(spawn(file, rest, { env: {}, cwd: "/", stdio: ["ignore", "ignore", "pipe"] }));
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < 1000) complaint += chunk.toString("latin1");
  });
  let hasEnded = false;
  child.once("exit", () => {
    hasEnded = true;
  });
  child.once("error", (error) => {
    complaint += error.message;
    hasEnded = true;
  });
  const listens = (async () => {
    while (!isListening(plan)) {
      if (hasEnded) throw new Error(`the relay ended: ${complaint.trim()}`);
      await delay(1);
    }
  })();
  // Whoever waits hears of it; nobody may wait.
  listens.catch(() => undefined);
  return {
    process: child.pid === undefined ? null : identify(child.pid),
    listens,
    stop: () => {
      // Its children, one per connection, end with the program's sockets.
      child.kill("SIGKILL");
      rmSync(plan.socket, { force: true });
    },
  };
}

/** Whether the relay's socket takes connections (flag `__SO_ACCEPTCON`), as its network lists it; connecting would disturb the program. */
function isListening(plan: RelayPlan): boolean {
  try {
    return readFileSync(`/proc/${plan.initPid}/net/unix`, "utf8")
      .split("\n")
      .some((line) => line.endsWith(` ${plan.socket}`) && line.split(/\s+/)[3] === "00010000");
  } catch {
    return false; // the sandbox has gone, and the relay is about to be stopped
  }
}
