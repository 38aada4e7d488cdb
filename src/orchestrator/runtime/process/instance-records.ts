import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { bootId, type ProcessId } from "./process-table.ts";

const record = z.object({ boot: z.string(), processes: z.array(z.object({ pid: z.int().positive(), startTime: z.string() })) });

/** Which processes belong to an instance, on disk before its program runs: what the next orchestrator ends if this one dies. */
export class InstanceRecords {
  readonly #folder: string;
  readonly #boot = bootId();

  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, "instances");
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  write(name: string, processes: readonly ProcessId[]): void {
    // Not flushed to disk: after a power cut there is no process to end.
    writeFileSync(this.#file(name), JSON.stringify({ boot: this.#boot, processes }), { mode: 0o600 });
  }

  remove(name: string): void {
    rmSync(this.#file(name), { force: true });
  }

  /** Processes recorded since the machine booted; a damaged record names none. */
  readAll(): readonly { readonly name: string; readonly processes: readonly ProcessId[] }[] {
    return readdirSync(this.#folder).map((file) => {
      const name = file.replace(/\.json$/, "");
      const found = record.safeParse(parsed(readFileSync(join(this.#folder, file), "utf8")));
      return { name, processes: found.success && found.data.boot === this.#boot ? found.data.processes : [] };
    });
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // cut off by a crash; it describes no process that we could be sure of
  }
}
