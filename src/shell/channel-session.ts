import type { PseudoTtyInfo, ServerChannel, Session } from "ssh2";
import { type TerminalSize, terminalEnvironment } from "#contract/terminal.ts";
import { chunksOf } from "./channel-chunks.ts";
import type { DoorDeps, SignedIn, Visitor } from "./door-deps.ts";
import type { Outflow } from "./outflow.ts";
import { siteListText } from "./program-words.ts";
import { SftpSession } from "./sftp/sftp-session.ts";
import { chooseSite } from "./show-menu.ts";
import { finish, runProgram, type SiteProgram, say } from "./site-program.ts";

/** What a session needs of its connection. */
export interface SessionPlace {
  readonly deps: DoorDeps;
  readonly visitor: Visitor;
  readonly outflow: Outflow;
  /** Something was typed, shown or transferred. */
  touch(): void;
}

const mostVariables = 32;

/** One session of a connection: a shell, a command or SFTP. Nothing of it is forwarded anywhere. */
export class ChannelSession {
  readonly #place: SessionPlace;
  readonly #environment: Record<string, string> = {};
  #size: TerminalSize | null = null;
  #program: SiteProgram | null = null;
  #onResize: (() => void) | undefined;

  constructor(session: Session, place: SessionPlace) {
    this.#place = place;
    session.on("pty", (accept, _reject, info) => {
      this.#setTerminal(info);
      accept?.();
    });
    session.on("env", (accept, reject, { key, val }) => {
      const isAllowed = Object.keys(this.#environment).length < mostVariables && terminalEnvironment.safeParse({ [key]: val }).success;
      if (isAllowed) this.#environment[key] = val;
      (isAllowed ? accept : reject)?.();
    });
    session.on("window-change", (accept, _reject, info) => {
      this.#size = sizeOf(info);
      this.#program?.resize(this.#size);
      this.#onResize?.();
      accept?.();
    });
    session.on("signal", (accept, _reject, { name }) => {
      this.#program?.signal(name);
      accept?.();
    });
    session.on("shell", (accept) => this.#begin(accept(), (channel) => this.#shell(channel, null)));
    session.on("exec", (accept, _reject, { command }) => this.#begin(accept(), (channel) => this.#shell(channel, command)));
    session.on("subsystem", (accept, reject, { name }) => {
      if (name === "sftp") this.#begin(accept(), (channel) => this.#sftp(channel));
      else reject();
    });
  }

  #begin(channel: ServerChannel | undefined, act: (channel: ServerChannel) => Promise<void>): void {
    const { deps, visitor, touch } = this.#place;
    // The client closed it before it began.
    if (channel === undefined) return;
    channel.on("data", touch);
    channel.pause();
    channel.on("error", (err: unknown) => deps.log.info({ err }, "a channel failed"));
    channel.stderr.on("error", () => undefined);
    if (visitor.kind === "turned-away") {
      say(channel, visitor.reason);
      finish(channel, 1);
      return;
    }
    act(channel).catch((err: unknown) => {
      deps.log.error({ err }, "a session failed");
      say(channel, "Something went wrong on our side.");
      finish(channel, 1);
    });
  }

  async #shell(channel: ServerChannel, command: string | null): Promise<void> {
    const { deps, outflow } = this.#place;
    const person = this.#person();
    const { root } = person.door.view;
    const siteId = root ?? (await this.#choose(channel, person, command));
    if (siteId === null) return;
    const place = person.door.view.places.find((each) => each.siteId === siteId);
    if (place?.canShell !== true) {
      say(channel, refusalText(person, place?.name ?? ""));
      return finish(channel, 1);
    }
    // For people only: what a program of theirs reads is the command's own.
    if (command === null && this.#size !== null) channel.write(`Backlot: the site ${place.name}. Its files stand in /site; exit leaves.\r\n`);
    const start = { type: "start" as const, command, size: this.#size, environment: this.#environment };
    this.#program = await runProgram({ channel, person, siteId, start, orchestratorUrl: deps.orchestratorUrl, outflow });
  }

  // Null: the client was told what to do instead.
  async #choose(channel: ServerChannel, person: SignedIn, command: string | null): Promise<number | null> {
    await person.door.refresh();
    const places = person.door.view.places.filter(({ canShell }) => canShell === true);
    const names = places.map(({ name }) => name);
    if (command !== null || this.#size === null || names.length === 0) {
      const text = siteListText(person.name, names);
      (command === null ? channel : channel.stderr).write(this.#size === null ? text : text.replaceAll("\n", "\r\n"));
      finish(channel, command === null && names.length > 0 ? 0 : 1);
      return null;
    }
    const chosen = await chooseSite(channel, names, {
      rows: () => this.#size?.rows ?? 24,
      onResize: (redraw) => {
        this.#onResize = redraw;
      },
    });
    this.#onResize = undefined;
    if (chosen === null) finish(channel, 0);
    return chosen === null ? null : (places[chosen]?.siteId ?? null);
  }

  async #sftp(channel: ServerChannel): Promise<void> {
    const { deps, outflow } = this.#place;
    const person = this.#person();
    if (person.door.view.allows?.includes("files") === false) {
      say(channel, refusalText(person, ""));
      return finish(channel, 1);
    }
    const room = async (): Promise<void> => {
      if (channel.writableNeedDrain) await drained(channel);
      await outflow.room();
    };
    const { door, files, since, name: owner } = person;
    await new SftpSession({
      channel: { [Symbol.asyncIterator]: () => chunksOf(channel), write: (bytes) => outflow.joined(() => channel.write(bytes)) },
      door,
      files,
      since,
      owner,
      room,
      log: deps.log,
    }).run();
    if (channel.writable) finish(channel, 0);
  }

  #person(): SignedIn {
    const { visitor } = this.#place;
    if (visitor.kind !== "person") throw new Error("nobody has signed in");
    return visitor.person;
  }

  #setTerminal(info: PseudoTtyInfo): void {
    this.#size = sizeOf(info);
    if (terminalEnvironment.safeParse({ TERM: info.term }).success && info.term !== "") this.#environment.TERM = info.term;
  }
}

async function drained(channel: ServerChannel): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  channel.once("drain", resolve).once("close", resolve);
  await promise;
  channel.off("drain", resolve).off("close", resolve);
}

function sizeOf(info: { readonly cols: number; readonly rows: number }): TerminalSize {
  const within = (value: number, usual: number): number => (value === 0 ? usual : Math.min(value, 1000));
  return { cols: within(info.cols, 80), rows: within(info.rows, 24) };
}

function refusalText(person: SignedIn, site: string): string {
  const { allows } = person.door.view;
  if (allows?.includes("shell") === false) return "This API token is for files only: use sftp, or make a token with the scope shell.";
  if (allows?.includes("files") === false) return "This API token is for running programs only: make one with the scope files.";
  if (site === "home") return "In the home folder there are files only: use sftp.";
  return `You may read ${site === "" ? "this site" : site}, but run nothing in it. Ask one of its owners.`;
}
