import { realpathSync } from "node:fs";
import type { Log } from "#kit/log.ts";
import type { EnteredProgram, EnterRequest } from "../enter.ts";
import type { RunningRun, RunRequest } from "../run.ts";
import { LifeLine } from "./life-line.ts";
import { asFailure } from "./runtime-parts.ts";
import { startEntry } from "./swarm-entry.ts";
import type { SwarmMachine } from "./swarm-machine.ts";
import { startRun } from "./swarm-run.ts";

export interface DisposableProgramsDeps {
  readonly log: Log;
  /** Only this orchestrator's. */
  readonly stateFolder: string;
}

/** Runs and those who have entered, all of which end with this orchestrator. */
export class DisposablePrograms {
  readonly #deps: DisposableProgramsDeps;
  readonly #started = new Set<Promise<RunningRun | EnteredProgram>>();
  #life: Promise<LifeLine> | null = null;

  constructor(deps: DisposableProgramsDeps) {
    this.#deps = deps;
  }

  run(machine: SwarmMachine, request: RunRequest): Promise<RunningRun> {
    const { place } = request;
    const real = place.kind === "home" ? request : { ...request, place: { ...place, folder: realpathSync(place.folder) } };
    return this.#keep(async (onEnd) => startRun(machine, real, { life: await this.#lifeLine(), log: this.#deps.log, onEnd }));
  }

  enter(machine: SwarmMachine, request: EnterRequest): Promise<EnteredProgram> {
    const real = { ...request, folder: realpathSync(request.folder) };
    return this.#keep(async (onEnd) => startEntry(machine, real, { life: await this.#lifeLine(), log: this.#deps.log, onEnd }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#started].map((starting) => starting.then((program) => program.end(0)).catch(() => undefined)));
    (await this.#life)?.close();
  }

  #lifeLine(): Promise<LifeLine> {
    this.#life ??= LifeLine.open(this.#deps.stateFolder);
    return this.#life;
  }

  #keep<T extends RunningRun | EnteredProgram>(start: (onEnd: () => void) => Promise<T>): Promise<T> {
    const starting: Promise<T> = start(() => this.#started.delete(starting)).catch(asFailure);
    this.#started.add(starting);
    starting.catch(() => this.#started.delete(starting));
    return starting;
  }
}
