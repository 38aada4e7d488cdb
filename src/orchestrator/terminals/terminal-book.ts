import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import type { HeldTerminal as HeldTerminalView } from "#contract/internal/terminals.ts";
import type { TerminalClosing, TerminalSize } from "#contract/terminal.ts";
import { demandEntry, enterSite, type TerminalHost } from "./enter-site.ts";
import { ExecSession } from "./exec-session.ts";
import { HeldTerminal } from "./held-terminal.ts";

/** How often idle terminals are looked for. */
const lookEveryMs = 5_000;

/** What ends when its access, its site or this process does. */
interface Ending {
  readonly siteId: number;
  readonly ended: Promise<void>;
  close(reason: TerminalClosing): unknown;
  look(now: number): void;
}

/** Everybody who is in a site on this machine. */
export class TerminalBook {
  readonly #host: TerminalHost;
  readonly #execs = new Set<ExecSession>();
  readonly #held = new Map<string, HeldTerminal>();
  /** Terminals that are being opened. */
  readonly #opening = new Set<{ readonly siteId: number; readonly userId: number; readonly done: Promise<unknown> }>();
  readonly #wasActive = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(host: TerminalHost) {
    this.#host = host;
    this.#timer = setInterval(() => this.look(), lookEveryMs).unref();
  }

  /** Opens a terminal that goes on by itself. @throws {Failure} */
  async open(siteId: number, caller: GrantClaims, asked: { readonly size: TerminalSize; readonly environment: Readonly<Record<string, string>> }) {
    this.#demandOpen();
    const userId = personOf(caller);
    this.#demandRoom(siteId, userId);
    const done = enterSite(this.#host, siteId, { ...asked, command: null });
    const opening = { siteId, userId, done };
    this.#opening.add(opening);
    try {
      const { clock, steady, limits } = this.#host;
      const program = await done;
      const terminal = new HeldTerminal({ id: randomUUID(), siteId, userId, program, size: asked.size, clock, steady, limits });
      this.#held.set(terminal.id, terminal);
      this.#keep(terminal, caller, () => this.#held.delete(terminal.id));
      if (this.#isClosed) await terminal.close("platform_stopping");
      return terminal.view;
    } finally {
      this.#opening.delete(opening);
    }
  }

  /** The caller's terminals in a site, oldest first. */
  list(siteId: number, caller: GrantClaims): HeldTerminalView[] {
    return [...this.#held.values()].filter((terminal) => terminal.siteId === siteId && terminal.userId === caller.user).map(({ view }) => view);
  }

  /** Ends one of the caller's terminals; one that is not there has ended. */
  async closeOne(siteId: number, caller: GrantClaims, id: string): Promise<void> {
    await this.#find(siteId, caller, id)?.close("closed");
  }

  /** Lets the caller look at one of their terminals. @throws {Failure} `terminal_not_found` */
  attach(siteId: number, caller: GrantClaims, asked: { readonly terminal: string; readonly from: number }): (socket: WebSocket) => void {
    const terminal = this.#find(siteId, caller, asked.terminal);
    if (terminal === undefined) throw new Failure("terminal_not_found");
    return (socket) => {
      const access = this.#host.epochs.watch(caller, siteId);
      // The terminal itself may stand on a later grant than this socket does.
      const withdraw = (): void => socket.close(1008, "access was withdrawn");
      access.signal.addEventListener("abort", withdraw, { once: true });
      socket.once("close", access.release);
      terminal.attach(socket, asked.from);
      if (access.signal.aborted) withdraw();
    };
  }

  /** Decides whether a command or a shell may be started; what it resolves to takes the socket. @throws {Failure} */
  async exec(siteId: number, caller: GrantClaims): Promise<(socket: WebSocket) => void> {
    this.#demandOpen();
    await demandEntry(this.#host, siteId);
    const { execPerSite } = this.#host.limits;
    if ([...this.#execs].filter((exec) => exec.siteId === siteId).length >= execPerSite) throw new Failure("terminal_limit_reached", { count: execPerSite });
    return (socket) => {
      const session = new ExecSession(this.#host, siteId, socket);
      this.#execs.add(session);
      this.#keep(session, caller, () => this.#execs.delete(session));
      if (this.#isClosed) session.close("platform_stopping");
    };
  }

  /** Sites that somebody is in, or was since this was last asked. */
  takeActiveSites(): readonly number[] {
    const active = [...new Set([...this.#all().map(({ siteId }) => siteId), ...this.#wasActive])];
    this.#wasActive.clear();
    return active;
  }

  /** Ends everything that somebody started in a site by hand. */
  async endSite(siteId: number, reason: TerminalClosing): Promise<void> {
    // One that is being opened finds by itself that the site is gone; nothing may be left when the site's folder goes.
    await Promise.allSettled([...this.#opening].filter((opening) => opening.siteId === siteId).map(({ done }) => done));
    await end(
      this.#all().filter((one) => one.siteId === siteId),
      reason,
    );
  }

  /** Closes what has lasted too long. */
  look(): void {
    const now = this.#host.steady.now();
    for (const one of this.#all()) one.look(now);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await Promise.allSettled([...this.#opening].map(({ done }) => done));
    await end(this.#all(), "platform_stopping");
  }

  #all(): readonly Ending[] {
    return [...this.#execs, ...this.#held.values()];
  }

  /** Until it has ended, or whoever asked for it may not be there any more. */
  #keep(one: Ending, caller: GrantClaims, forget: () => void): void {
    this.#wasActive.add(one.siteId);
    const access = this.#host.epochs.watch(caller, one.siteId);
    const withdraw = (): void => void one.close("access_changed");
    access.signal.addEventListener("abort", withdraw, { once: true });
    void one.ended.then(() => {
      forget();
      access.release();
    });
    if (access.signal.aborted) withdraw();
  }

  #find(siteId: number, caller: GrantClaims, id: string): HeldTerminal | undefined {
    const terminal = this.#held.get(id);
    return terminal?.siteId === siteId && terminal.userId === caller.user ? terminal : undefined;
  }

  #demandOpen(): void {
    if (this.#isClosed) throw new Failure("not_ready");
  }

  #demandRoom(siteId: number, userId: number): void {
    const { perSite, perPerson } = this.#host.limits;
    const all = [...this.#held.values(), ...this.#opening];
    if (all.filter((one) => one.siteId === siteId).length >= perSite) throw new Failure("terminal_limit_reached", { count: perSite });
    if (all.filter((one) => one.userId === userId).length >= perPerson) throw new Failure("terminal_limit_reached", { count: perPerson });
  }
}

async function end(all: readonly Ending[], reason: TerminalClosing): Promise<void> {
  await Promise.all(
    all.map(async (one) => {
      one.close(reason);
      await one.ended;
    }),
  );
}

/** Terminals are somebody's. @throws {Failure} `grant_refused` for a grant on nobody's behalf */
function personOf({ user }: GrantClaims): number {
  if (user === undefined) throw new Failure("grant_refused");
  return user;
}
