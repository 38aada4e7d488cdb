import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Log } from "#kit/log.ts";
import { findProgram } from "./machine-programs.ts";
import { type Removal, removalsIn, rulesetNews } from "./ruleset-news.ts";
import { runCommand } from "./run-command.ts";

/** A table of ours. */
export interface KeptTable {
  /** `inet backlot_x` */
  readonly name: string;
  /** Sets whose elements hold until we change the rules: those that the kernel or single programs fill are left out. */
  readonly sets: readonly string[];
}

export interface KeptRulesOptions {
  /** Put before `nft`: a way into another network namespace. */
  readonly inNetwork: readonly string[];
  readonly tables: readonly KeptTable[];
  /** All of the rules as they are to be now, as one transaction for `nft -f`. */
  readonly rules: () => string;
  readonly log: Log;
}

/** Events come in bursts, and another program that takes rules away again and again is not to keep us busy. */
const quietMs = 250;
/** So soon is it tried again while the rules cannot be set. */
const retryMs = 2_000;
/** Should the kernel's news have been lost. */
const oldMs = 60_000;
/** A monitor that ends at once is not started again and again. */
const restartMs = 5_000;

/**
 * Rules of the firewall that stay as they were set. Whoever reloads a firewall of his own takes ours away with `flush ruleset`: the kernel tells a
 * listener, which waits at no cost, and they are set again within milliseconds.
 */
export class KeptRules {
  readonly #options: KeptRulesOptions;
  readonly #changes = new Set<Promise<unknown>>();
  #monitor: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #ending = false;
  /** As the kernel lists them, when they were set the last time; null before. */
  #listing: string | null = null;
  /** Why they do not hold, in nft's words. */
  #trouble: string | null = null;
  #mayHaveChanged = true;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #setting: Promise<void> | null = null;

  private constructor(options: KeptRulesOptions) {
    this.#options = options;
  }

  /** Sets them, for the first time. @throws in nft's words when that cannot be done. */
  static async open(options: KeptRulesOptions): Promise<KeptRules> {
    const kept = new KeptRules(options);
    // Before they are set: what happens from now on is heard.
    kept.#watch();
    await kept.#set();
    kept.#mayHaveChanged = false;
    kept.#lookedAt = performance.now();
    if (kept.#trouble === null) return kept;
    await kept.close();
    throw new Error(kept.#trouble);
  }

  /** Why the rules do not hold now; null when they do. At once, unless something may have happened to them. */
  async trouble(): Promise<string | null> {
    if (this.#isUncertain() || this.#looking !== null) await this.#look();
    return this.#trouble;
  }

  /** The same as far as it is known: whoever has to answer soon does not wait for a look, which is on its way then. */
  lately(): string | null {
    if (this.#isUncertain()) void this.#look();
    return this.#trouble;
  }

  #isUncertain(): boolean {
    // Without a monitor nobody tells of changes: whoever wants to know has to look.
    return this.#mayHaveChanged || this.#monitor === null || performance.now() - this.#lookedAt > oldMs;
  }

  /** Changes what `rules` says, too, but less than all of it. Gives what nft said; null when it was done. */
  async change(commands: string): Promise<string | null> {
    while (this.#setting !== null) await this.#setting;
    const changing = this.#nft(["-f", "-"], commands);
    this.#changes.add(changing);
    const { said } = await changing.finally(() => this.#changes.delete(changing));
    // There may be nothing left that could be changed.
    if (said !== null) this.#mark();
    return said;
  }

  /** `rules` says something else now. */
  async renew(): Promise<string | null> {
    await this.#set();
    return this.#trouble;
  }

  /** Leaves the rules as they are; when it resolves, nothing sets them again. */
  async close(): Promise<void> {
    this.#ending = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const monitor = this.#monitor;
    this.#monitor = null;
    monitor?.kill("SIGKILL");
    await this.#looking;
    await this.#setting;
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = null;
      if (this.#trouble !== null) this.#lookIn(retryMs);
      else if (this.#mayHaveChanged) this.#lookIn(quietMs);
    });
    return this.#looking;
  }

  #lookIn(ms: number): void {
    if (this.#ending) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#look();
    }, ms).unref();
  }

  async #lookNow(): Promise<void> {
    if (this.#ending) return;
    this.#mayHaveChanged = false;
    this.#lookedAt = performance.now();
    const listing = this.#trouble === null ? await this.#list() : null;
    if (this.#ending || (listing !== null && listing === this.#listing)) return;
    const tables = this.#options.tables.map(({ name }) => name);
    if (this.#trouble === null) this.#options.log.error({ tables }, "rules of the firewall were taken away or changed, and are set again");
    await this.#set();
  }

  /** One after the other, and not while elements are added or taken away. */
  async #set(): Promise<void> {
    while (this.#setting !== null) await this.#setting;
    this.#setting = this.#setNow().finally(() => {
      this.#setting = null;
    });
    await this.#setting;
  }

  async #setNow(): Promise<void> {
    await Promise.all(this.#changes);
    const { said } = await this.#nft(["-f", "-"], this.#options.rules());
    this.#listing = said === null ? await this.#list() : null;
    const trouble = said ?? (this.#listing === null ? "nothing of rules that were just set" : null);
    if (trouble !== null && this.#trouble === null) this.#options.log.error({ said: trouble }, "rules of the firewall cannot be set");
    this.#trouble = trouble;
  }

  /** Null when something of them is not there. */
  async #list(): Promise<string | null> {
    const lists = this.#options.tables.flatMap(({ name, sets }) => [
      ["-t", "list", "table", ...name.split(" ")],
      ...sets.map((set) => ["list", "set", ...name.split(" "), set]),
    ]);
    const found = await Promise.all(lists.map((words) => this.#nft(words)));
    return found.some(({ said }) => said !== null) ? null : found.map(({ stdout }) => stdout).join("\n");
  }

  async #nft(words: readonly string[], input?: string): Promise<{ readonly said: string | null; readonly stdout: string }> {
    const program = findProgram("nft");
    if (program === null) return { said: "nothing: it is not installed", stdout: "" };
    const { code, stdout, stderr } = await runCommand([...this.#options.inNetwork, program, ...words], input === undefined ? {} : { input });
    return { said: code === 0 ? null : stderr.trim().slice(0, 500) || `it ended with ${code}`, stdout };
  }

  /** Listens for what is taken away. It ends with us, however we end. */
  #watch(): void {
    const [socat, setpriv] = [findProgram("socat"), findProgram("setpriv")];
    if (socat === null || setpriv === null || this.#ending) return;
    // Not `nft monitor`, which reads every rule of the machine first, and again whenever somebody changes one meanwhile.
    const [file = "", ...rest] = [...this.#options.inNetwork, setpriv, "--pdeathsig", "KILL", socat, "-u", rulesetNews, "-"];
    const child = spawn(file, rest, { env: {}, cwd: "/", stdio: ["ignore", "pipe", "ignore"] });
    this.#monitor = child;
    child.unref();
    // A pipe is a socket, which would keep a process that has nothing else to do.
    if (child.stdout instanceof Socket) child.stdout.unref();
    let heard = Buffer.alloc(0);
    // There is none where no descriptor was left, whatever the types say: the error that comes then has it tried again.
    child.stdout?.on("data", (chunk: Buffer) => {
      const { removals, rest: kept } = removalsIn(Buffer.concat([heard, chunk]));
      heard = Buffer.from(kept);
      if (removals.some((removal) => this.#concerns(removal))) this.#mark();
    });
    child.once("error", () => this.#restart(child));
    child.once("exit", () => this.#restart(child));
  }

  #restart(child: ChildProcess): void {
    if (this.#monitor !== child) return;
    this.#monitor = null;
    setTimeout(() => {
      this.#watch();
      this.#mark();
    }, restartMs).unref();
  }

  #concerns({ body, isElement }: Removal): boolean {
    const names = (name: string): boolean => body.includes(`${name}\0`);
    return this.#options.tables.some(({ name, sets }) => names(name.split(" ")[1] ?? name) && (!isElement || sets.some(names)));
  }

  #mark(): void {
    this.#mayHaveChanged = true;
    // What we take away ourselves while we set them is told, too.
    if (this.#looking !== null || this.#setting !== null) this.#lookIn(quietMs);
    else this.#lookIn(Math.max(0, quietMs - (performance.now() - this.#lookedAt)));
  }
}
