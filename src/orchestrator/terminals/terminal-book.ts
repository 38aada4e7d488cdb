import type { WebSocket } from "ws";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import type { TerminalClosing } from "#contract/terminal.ts";
import { demandEntry, type TerminalHost } from "./enter-site.ts";
import { ExecSession } from "./exec-session.ts";

/** How often idle terminals are looked for. */
const lookEveryMs = 15_000;

/** Everybody who is in a site on this machine. */
export class TerminalBook {
  readonly #host: TerminalHost;
  readonly #execs = new Set<ExecSession>();
  readonly #wasActive = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(host: TerminalHost) {
    this.#host = host;
    this.#timer = setInterval(() => this.look(), lookEveryMs).unref();
  }

  /** Decides whether a command or a shell may be started; what it resolves to takes the socket. @throws {Failure} */
  async exec(siteId: number, caller: GrantClaims): Promise<(socket: WebSocket) => void> {
    if (this.#isClosed) throw new Failure("not_ready");
    await demandEntry(this.#host, siteId);
    const { execPerSite } = this.#host.limits;
    if ([...this.#execs].filter((exec) => exec.siteId === siteId).length >= execPerSite) throw new Failure("terminal_limit_reached", { count: execPerSite });
    return (socket) => {
      const session = new ExecSession(this.#host, siteId, socket);
      this.#execs.add(session);
      this.#wasActive.add(siteId);
      const access = this.#host.epochs.watch(caller, siteId);
      const withdraw = (): void => session.close("access_changed");
      access.signal.addEventListener("abort", withdraw, { once: true });
      if (access.signal.aborted) withdraw();
      void session.ended.then(() => {
        this.#execs.delete(session);
        access.release();
      });
    };
  }

  /** Sites that somebody is in, or was since this was last asked. */
  takeActiveSites(): readonly number[] {
    const active = [...new Set([...[...this.#execs].map(({ siteId }) => siteId), ...this.#wasActive])];
    this.#wasActive.clear();
    return active;
  }

  /** Ends everything that somebody started in a site by hand. */
  async endSite(siteId: number, reason: TerminalClosing): Promise<void> {
    const sessions = [...this.#execs].filter((exec) => exec.siteId === siteId);
    for (const session of sessions) session.close(reason);
    await Promise.all(sessions.map(({ ended }) => ended));
  }

  /** Closes what has lasted too long. */
  look(): void {
    const now = this.#host.clock.now();
    for (const session of this.#execs) session.look(now);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const session of this.#execs) session.close("platform_stopping");
    await Promise.all([...this.#execs].map(({ ended }) => ended));
  }
}
