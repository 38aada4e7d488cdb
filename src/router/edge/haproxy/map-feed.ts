import { rename, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#kit/log.ts";
import type { MapEntry } from "../direct-entries.ts";
import type { SendCommand } from "./command-socket.ts";

/** What the feed of the map needs. */
export interface MapFeedDeps {
  readonly send: SendCommand;
  /** The map's file, by whose name HAProxy knows the map, and which it reads when it starts. */
  readonly file: string;
  readonly log: Log;
}

/** HAProxy reads a command, its data included, into one buffer of 16 KiB. */
const mostCommandBytes = 12_000;
/** Changing an entry by its key goes through all others, at some 60 ns each: beyond 30 ms a new map beside the old one is quicker, and holds nobody up. */
const mostSteps = 500_000;
const retryMs = 100;
const fileDelayMs = 500;

/** Keeps HAProxy's map as it should be. Changes are gathered while others are under way, and acknowledged by HAProxy. */
export class MapFeed {
  readonly #deps: MapFeedDeps;
  readonly #wanted = new Map<string, string>();
  /** What HAProxy holds; null when that is not known, and all has to be told anew. */
  #known: Map<string, string> | null = null;
  readonly #changed = new Set<string>();
  #state: "dead" | "unreachable" | "reachable" = "unreachable";
  /** Grows with every HAProxy: what was told to one before says nothing of the next. */
  #generation = 0;
  #isFileOld = false;
  #fileTimer: NodeJS.Timeout | undefined;
  #working: Promise<void> | null = null;
  /** Counts what was said, and how far of it no HAProxy contradicts. */
  #said = 0;
  #told = 0;
  #waiters: { readonly said: number; readonly resolve: () => void }[] = [];
  #isStopped = false;

  constructor(deps: MapFeedDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#wanted.size;
  }

  /** Says how a host should stand in the map; null: not at all. */
  set(host: string, value: string | null): void {
    if (value === null ? !this.#wanted.delete(host) : this.#wanted.get(host) === value) return;
    if (value !== null) this.#wanted.set(host, value);
    this.#changed.add(host);
    this.#said += 1;
    this.#work();
  }

  /** Resolves when no HAProxy sends anybody elsewhere than was said so far: it has acknowledged that, or there is none. */
  settled(): Promise<void> {
    if (this.#state === "dead" || (this.#known !== null && this.#told === this.#said)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ said: this.#said, resolve });
      this.#work();
    });
  }

  /** HAProxy answers, and may be another than before: all is told anew. */
  refill(): void {
    this.#generation += 1;
    this.#known = null;
    this.#state = "reachable";
    this.#work();
  }

  /** HAProxy does not answer; unless it is dead it may still send visitors where it was told to. */
  lost(isDead: boolean): void {
    this.#generation += 1;
    this.#known = null;
    this.#state = isDead ? "dead" : "unreachable";
    if (isDead) this.#resolve(this.#said);
  }

  /** Writes the file as HAProxy is to find it at its start. */
  async writeFile(): Promise<void> {
    clearTimeout(this.#fileTimer);
    this.#fileTimer = undefined;
    this.#isFileOld = false;
    const { file } = this.#deps;
    await writeFile(`${file}.new`, [...this.#wanted].map(([host, value]) => `${host} ${value}\n`).join(""), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#fileTimer);
    await this.#working;
    this.#resolve(this.#said);
  }

  #work(): void {
    if (this.#working !== null || this.#isStopped || this.#state !== "reachable") return;
    this.#working = this.#tell().finally(() => {
      this.#working = null;
      if (this.#changed.size > 0 || this.#known === null) this.#work();
    });
  }

  #resolve(said: number): void {
    const ready = this.#waiters.filter((waiter) => waiter.said <= said);
    this.#waiters = this.#waiters.filter((waiter) => waiter.said > said);
    for (const { resolve } of ready) resolve();
  }

  async #tell(): Promise<void> {
    // Changes of one moment go together.
    await Promise.resolve();
    const generation = this.#generation;
    const said = this.#said;
    try {
      const known = this.#known;
      if (known === null) await this.#replace();
      else await this.#change(known, [...this.#changed]);
      // Another HAProxy than the one that was told has come up meanwhile.
      if (generation !== this.#generation) return;
      this.#told = said;
      this.#resolve(said);
    } catch (err) {
      if (generation === this.#generation) this.#known = null;
      if (this.#isStopped || this.#state !== "reachable") return;
      this.#deps.log.warn({ err }, "HAProxy's map could not be changed; all of it is told anew");
      await delay(retryMs);
    }
  }

  /** Builds a new map beside the one in use and puts it in its place. */
  async #replace(): Promise<void> {
    const { file, send } = this.#deps;
    const generation = this.#generation;
    this.#changed.clear();
    const entries = [...this.#wanted];
    const version = /New version created: (\d+)/.exec(await send(`prepare map ${file}`))?.[1];
    if (version === undefined) throw new Error("HAProxy does not know the map");
    for (const chunk of chunks(entries.map(lineOf))) await this.#expectNothing(`add map @${version} ${file} <<\n${chunk.join("\n")}\n`);
    await this.#expectNothing(`commit map @${version} ${file}`);
    if (generation !== this.#generation) return;
    this.#known = new Map(entries);
    await this.writeFile();
    this.#deps.log.info({ routes: entries.length }, "HAProxy has its routes");
  }

  async #change(known: Map<string, string>, hosts: readonly string[]): Promise<void> {
    const { file } = this.#deps;
    this.#changed.clear();
    const commands: string[] = [];
    const added: MapEntry[] = [];
    const told = hosts.map((host) => [host, this.#wanted.get(host)] as const);
    for (const [host, shall] of told) {
      const is = known.get(host);
      if (is === shall) continue;
      if (shall === undefined) commands.push(`del map ${file} ${host}`);
      else if (is === undefined) added.push([host, shall]);
      else commands.push(`set map ${file} ${host} ${shall}`);
    }
    if (commands.length * known.size > mostSteps) return this.#replace();
    for (const chunk of chunks(commands)) await this.#expectNothing(chunk.join(";"));
    for (const chunk of chunks(added.map(lineOf))) await this.#expectNothing(`add map ${file} <<\n${chunk.join("\n")}\n`);
    for (const [host, shall] of told) {
      if (shall === undefined) known.delete(host);
      else known.set(host, shall);
    }
    // What must not be there any more is not in the file either, before anybody relies on it; a new route may come a little later.
    if (commands.length > 0) await this.writeFile();
    else this.#writeFileSoon();
  }

  async #expectNothing(command: string): Promise<void> {
    const answer = (await this.#deps.send(command)).trim();
    if (answer !== "") throw new Error(`HAProxy refused a change of its map: ${answer.slice(0, 200)}`);
  }

  #writeFileSoon(): void {
    this.#isFileOld = true;
    this.#fileTimer ??= setTimeout(() => {
      this.#fileTimer = undefined;
      if (this.#isFileOld) this.writeFile().catch((err: unknown) => this.#deps.log.warn({ err }, "HAProxy's map file could not be written"));
    }, fileDelayMs).unref();
  }
}

function lineOf([host, value]: MapEntry): string {
  return `${host} ${value}`;
}

/** Lines in groups that fit into one command. */
function chunks(lines: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let bytes = mostCommandBytes;
  for (const line of lines) {
    if (bytes + line.length + 1 > mostCommandBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(line);
    bytes += line.length + 1;
  }
  return groups;
}
