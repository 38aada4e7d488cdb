import type { WebSocket } from "ws";
import { Failure } from "#contract/failure.ts";
import type { GrantClaims } from "#contract/grant.ts";
import { terminalFrame } from "#contract/terminal.ts";
import { bytesOf } from "#kit/http/socket-flow.ts";

interface Asked {
  readonly params: unknown;
  readonly query: unknown;
  readonly caller: unknown;
}

/** The terminals of a fake orchestrator: what is typed comes back. */
export class FakeTerminals {
  /** Whose grant asked for what. */
  readonly asked: { readonly what: string; readonly user: number | undefined; readonly siteId: number }[] = [];
  readonly sockets: WebSocket[] = [];
  readonly query: unknown[] = [];
  readonly orders: string[] = [];
  readonly #ids: string[] = [];

  readonly handlers = {
    "terminal.open": async (call: Asked) => {
      this.#note("open", call);
      this.#ids.push(`terminal-${this.#ids.length + 1}`);
      return { terminal: viewOf(this.#ids.at(-1) ?? "") };
    },
    "terminal.list": async (call: Asked) => {
      this.#note("list", call);
      return { terminals: this.#ids.map(viewOf) };
    },
    "terminal.close": async (call: Asked) => {
      this.#note("close", call);
      this.#ids.splice(0, 1);
    },
    "terminal.attach": async (call: Asked) => {
      this.#note("attach", call);
      this.query.push(call.query);
      if (!this.#ids.includes((call.params as { readonly terminal: string }).terminal)) throw new Failure("terminal_not_found");
      return (socket: WebSocket): void => {
        this.sockets.push(socket);
        socket.send(JSON.stringify({ type: "attached", offset: 0, skipped: false, end: 0 }));
        socket.on("message", (data, isBinary) => {
          if (isBinary) socket.send(terminalFrame("data", bytesOf(data).subarray(1)));
          else this.orders.push(bytesOf(data).toString());
        });
      };
    },
  };

  #note(what: string, { params, caller }: Asked): void {
    // Parsed by the guard and by the endpoint's own schemas.
    this.asked.push({ what, user: (caller as GrantClaims).user, siteId: (params as { readonly siteId: number }).siteId });
  }
}

function viewOf(id: string) {
  const at = "2026-11-22T12:00:00.000Z";
  return { id, startedAt: at, usedAt: at, size: { cols: 80, rows: 24 }, title: null, isAttached: false };
}
