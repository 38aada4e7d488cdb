import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { SteadyClock } from "#kit/clock.ts";

/** Longer than a router goes on sending visitors to a program of which it hears nothing. */
const restMs = 60_000;
/** An engine gives its ports out one after the other: what lies further away is not met by the next starts. */
const nearPorts = 1_024;

const keptPorts = z.array(z.tuple([z.number().int(), z.number().int()]));

/** Who has a port, or had it last. */
interface Holder {
  readonly siteId: number;
  readonly start: string;
  /** Null while its program runs. */
  restsUntil: number | null;
}

/**
 * Which ports of this node are, or were until just now, a site's. An engine that was started again gives them out from the first one on, and routers may
 * still send that site's visitors there. Kept in a file, since the orchestrator may have gone together with the engine.
 */
export class PortBook {
  readonly #clock: SteadyClock;
  readonly #file: string;
  readonly #holders = new Map<number, Holder>();
  /** The one that the engine gave out last. */
  #last = 0;

  constructor({ folder, clock }: { readonly folder: string; readonly clock: SteadyClock }) {
    this.#clock = clock;
    this.#file = join(folder, "ports.json");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [port, siteId] of readKept(this.#file)) this.#holders.set(port, { siteId, start: "", restsUntil: clock.now() + restMs });
  }

  /** Takes a port for a program; false while somebody may come there who wants another site. */
  take(port: number, of: { readonly siteId: number; readonly start: string }): boolean {
    this.#last = port;
    const holder = this.#holders.get(port);
    if (holder !== undefined && holder.siteId !== of.siteId && !this.#isFree(holder)) return false;
    this.hold(port, of);
    return true;
  }

  /** Notes whose a port is already. */
  hold(port: number, { siteId, start }: { readonly siteId: number; readonly start: string }): void {
    this.#holders.set(port, { siteId, start, restsUntil: null });
    this.#keep();
  }

  /** Its program has ended; another start may have the port by now. */
  release(port: number, start: string): void {
    const holder = this.#holders.get(port);
    if (holder?.start === start) holder.restsUntil = this.#clock.now() + restMs;
  }

  /** How many of those that the engine gives out next are to be left out, up to the last that is not free. */
  ahead(): number {
    const taken = [...this.#holders].filter(([port, holder]) => port > this.#last && port <= this.#last + nearPorts && !this.#isFree(holder));
    return Math.max(0, ...taken.map(([port]) => port - this.#last));
  }

  /** So many were given out to nobody. */
  skipped(count: number): void {
    this.#last += count;
  }

  #isFree({ restsUntil }: Holder): boolean {
    return restsUntil !== null && restsUntil <= this.#clock.now();
  }

  // Without waiting for the disk: a machine that loses its power takes longer to come back than a port rests.
  #keep(): void {
    for (const [port, holder] of this.#holders) if (this.#isFree(holder)) this.#holders.delete(port);
    writeFileSync(`${this.#file}.new`, JSON.stringify([...this.#holders].map(([port, { siteId }]) => [port, siteId])), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function readKept(file: string): z.output<typeof keptPorts> {
  try {
    return keptPorts.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return []; // there is none, or it was not written whole
  }
}
