import { randomUUID } from "node:crypto";
import { chmodSync, closeSync, constants, mkdirSync, openSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../process/machine-programs.ts";
import { mustRun } from "../process/run-command.ts";
import type { BoundFolder } from "./container-plan.ts";

/** Where it is seen inside of containers. */
const lifePath = "/run/backlot-life";

/**
 * A pipe that this process holds open as long as it lives, however it ends: what runs for it reads from it, and ends with it. Nobody else could end
 * that: the engine of a killed orchestrator goes on, and no other orchestrator reaches it.
 */
export class LifeLine {
  readonly #file: string;
  /** Null when it is closed: its number may be somebody else's by then. */
  #descriptor: number | null;

  private constructor(file: string, descriptor: number) {
    this.#file = file;
    this.#descriptor = descriptor;
  }

  /** Makes one, and removes those that nobody holds any more. */
  static async open(folder: string): Promise<LifeLine> {
    const inner = join(folder, "life");
    mkdirSync(inner, { recursive: true, mode: 0o711 });
    for (const name of readdirSync(inner)) if (!isHeld(join(inner, name))) rmSync(join(inner, name), { force: true });
    const file = join(realpathSync(inner), randomUUID());
    await mustRun([findProgram("mkfifo") ?? "mkfifo", "-m", "600", file]);
    const descriptor = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    // Whoever runs for it may only read: one that could write would keep others alive.
    chmodSync(file, 0o444);
    return new LifeLine(file, descriptor);
  }

  /** What a container sees of it. */
  get folder(): BoundFolder {
    return { source: this.#file, target: lifePath, isWritable: false };
  }

  close(): void {
    if (this.#descriptor === null) return;
    closeSync(this.#descriptor);
    this.#descriptor = null;
    rmSync(this.#file, { force: true });
  }
}

// A pipe that nobody has open for reading refuses whoever wants to write. Where only root could try (EACCES), it stays.
function isHeld(file: string): boolean {
  try {
    closeSync(openSync(file, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EACCES";
  }
}

/**
 * Lines of a shell that go before a program, and end everything in the container with its orchestrator. Opening waits until somebody holds the other end, so that nothing begins for one that is
 * gone; whoever watches is no child of the program, hears no signal that is meant for it and holds none of its streams.
 */
export const endWithOrchestrator = [
  `exec 9<${lifePath} || exit 126`,
  "( ( trap '' HUP INT QUIT TERM TSTP; read -r _b_life; kill -KILL -1 ) <&9 >/dev/null 2>&1 & )",
  "exec 9<&-",
].join("\n");
