import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { createUser } from "#contract/api/accounts.ts";
import { placeDatabase } from "./backlot-cluster.ts";
import { type Person, signInAs } from "./backlot-person.ts";
import { belongsTo, isAlive, killIfThere, type ProcessInfo, processesWhere } from "./backlot-processes.ts";
import { type Visited, type VisitInit, visit } from "./backlot-visit.ts";
import { whyNoSandbox } from "./needs.ts";

/** The checkout that is tested. */
export const checkout = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const npmStart = ["npm", "--prefix", checkout, "start"] as const;
export const adminPassword = "correct horse battery";

/** How the program is started; everything has a default. */
export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** A folder that outlives this Backlot; without it a temporary one is made and removed. */
  readonly dataFolder?: string;
  /** `npm start`, as a person types it, instead of the program itself, which is ready half a second earlier. */
  readonly byNpm?: boolean;
  /** Program and arguments instead of `node bin/backlot.mjs start`. */
  readonly command?: readonly [string, ...string[]];
  readonly cwd?: string;
  /** In a process group of its own, as a shell starts a command: Ctrl-C can then be sent to all of it. */
  readonly hasOwnGroup?: boolean;
  /** Longest time until every door is open. */
  readonly readyWithinMs?: number;
}

const endpointsFile = z.object({ manager: z.url(), router: z.url(), ssh: z.string(), ftp: z.string() });
type Endpoints = z.output<typeof endpointsFile>;

/** The real program as a child process, with doors at free ports and a data folder of its own. */
export class Backlot implements AsyncDisposable {
  readonly data: string;
  readonly #options: StartOptions;
  readonly #removesData: boolean;
  #child: ChildProcess | undefined;
  #doors: Endpoints | undefined;
  #output = "";
  #admin: Promise<Person> | undefined;

  constructor(data: string, options: StartOptions) {
    this.data = data;
    this.#options = options;
    this.#removesData = options.dataFolder === undefined;
  }

  get manager(): string {
    return this.#open().manager;
  }
  get router(): string {
    return this.#open().router;
  }
  get ftp(): string {
    return this.#open().ftp;
  }
  get ssh(): string {
    return this.#open().ssh;
  }
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("Backlot is not started");
    return pid;
  }
  /** What it wrote so far, both streams. */
  get output(): string {
    return this.#output;
  }

  /** Starts it (again), and resolves when every door is open. */
  async start(): Promise<this> {
    this.#doors = undefined;
    // One that was killed left its file: the next one removes it too, but only when it has got that far.
    await rm(join(this.data, "endpoints.json"), { force: true });
    const child = this.spawn();
    const deadline = Date.now() + (this.#options.readyWithinMs ?? 90_000);
    while (this.#doors === undefined) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Backlot ended with ${child.exitCode ?? child.signalCode}:\n${this.output}`);
      if (Date.now() > deadline) throw new Error(`Backlot is not ready:\n${this.output}`);
      this.#doors = await this.#readEndpoints();
      if (this.#doors === undefined) await delay(15);
    }
    return this;
  }

  /** Starts it without waiting; for starts that are meant to fail or to be killed. */
  spawn(): ChildProcess {
    const plain = this.#options.byNpm === true ? npmStart : ([process.execPath, join(checkout, "bin/backlot.mjs"), "start"] as const);
    const [file, ...args] = this.#options.command ?? plain;
    const child = spawn(file, args, {
      cwd: this.#options.cwd ?? this.data,
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: this.#options.hasOwnGroup === true,
    });
    const take = (chunk: Buffer): void => {
      this.#output = `${this.#output}${chunk.toString("utf8")}`.slice(-200_000);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    this.#child = child;
    return child;
  }

  environment(): NodeJS.ProcessEnv {
    return {
      PATH: `${join(checkout, "node_modules/.bin")}:${process.env.PATH}`,
      HOME: this.data,
      BACKLOT_DATA: this.data,
      BACKLOT_PORT: "0",
      BACKLOT_ROUTER_PORT: "0",
      BACKLOT_FTP_PORT: "0",
      BACKLOT_SSH_PORT: "0",
      BACKLOT_ADMIN_PASSWORD: adminPassword,
      // A test that is about being kept apart is left out where nothing does that; any other needs the programs of members all the same.
      ...(whyNoSandbox() === null ? {} : { BACKLOT_UNISOLATED_FOR_ALL: "true" }),
      ...this.#options.environment,
    };
  }

  /** The administrator `admin`. */
  admin(): Promise<Person> {
    this.#admin ??= signInAs(() => this.manager, "admin", adminPassword);
    return this.#admin;
  }

  /** A new member who is signed in. */
  async addPerson(username: string): Promise<Person> {
    const password = `password of ${username}`;
    await (await this.admin()).client.call(createUser, { body: { username, password } });
    return signInAs(() => this.manager, username, password);
  }

  /** A visitor's request to a site, by the router's address with the site's host. */
  visit(site: string, path = "/", init: VisitInit = {}): Promise<Visited> {
    return visit(this.router, { host: `${site}.localhost`, path }, init);
  }

  /** A raw request to the manager: the path goes over the wire as it stands. */
  ask(path: string, init: VisitInit = {}): Promise<Visited> {
    return visit(this.manager, { host: new URL(this.manager).host, path }, init);
  }

  /** Every living process of this Backlot, orphans too. */
  processes(): readonly ProcessInfo[] {
    const name = basename(this.data);
    return processesWhere(({ pid }) => pid !== process.pid && belongsTo(pid, name));
  }

  /** Kills the program's first process, as `kill -9 PID` would, and resolves when it is dead. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  /** What Ctrl-C in a terminal does: a signal to the whole process group. */
  async pressControlC(): Promise<void> {
    const gone = this.#child === undefined ? undefined : once(this.#child, "exit");
    process.kill(-this.pid, "SIGINT");
    await gone;
  }

  /** Resolves when no process of this Backlot lives any more; throws with what is left after `withinMs`. */
  async noneLeft(withinMs = 20_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    // Looking through the whole machine is dear; as long as one of those seen last lives there is no need to.
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      while (left.some(({ pid }) => isAlive(pid))) {
        if (Date.now() > deadline) throw new Error(`still alive: ${JSON.stringify(this.processes(), null, 1)}`);
        await delay(20);
      }
    }
  }

  /** Stops it in order. */
  async stop(): Promise<void> {
    await this.kill("SIGTERM");
    await this.noneLeft();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      for (const { pid } of this.processes()) killIfThere(pid);
      if (this.#removesData) await rm(this.data, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  #open(): Endpoints {
    if (this.#doors === undefined) throw new Error("Backlot is not ready");
    return this.#doors;
  }

  async #readEndpoints(): Promise<Endpoints | undefined> {
    try {
      return endpointsFile.parse(JSON.parse(await readFile(join(this.data, "endpoints.json"), "utf8")));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** A Backlot that is not started yet, and makes everything it needs at its first start. */
export async function prepareBacklot(options: StartOptions = {}): Promise<Backlot> {
  const data = options.dataFolder ?? (await mkdtemp(join(tmpdir(), "backlot-e2e-")));
  await mkdir(data, { recursive: true });
  return new Backlot(data, options);
}

/** The real program, ready; in a folder of its own it finds a database without any rows. */
export async function startBacklot(options: StartOptions = {}): Promise<Backlot> {
  const backlot = await prepareBacklot(options);
  try {
    // Another command or folder is what the test is about, and another database none of ours.
    const isPlain = options.dataFolder === undefined && options.command === undefined && options.environment?.DATABASE_URL === undefined;
    if (isPlain) await placeDatabase(backlot.data);
    return await backlot.start();
  } catch (error) {
    await backlot[Symbol.asyncDispose]();
    throw error;
  }
}
