import type { Client } from "#contract/client.ts";
import { createClient } from "#contract/client.ts";
import { CliError, exitCodes } from "./exit-code.ts";
import { type ServerAddress, serverAddress } from "./server-address.ts";
import { readSettings, type Settings } from "./settings-file.ts";
import { jsonLine, plain, type Style, styleFor, type Terminal } from "./terminal.ts";
import { readVersion } from "./version.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Options that every command takes. */
export interface SharedOptions {
  readonly json?: boolean;
  readonly server?: string;
}

/** What a command works with: who asked, where to, and how to answer. */
export interface Session {
  readonly environment: Environment;
  readonly terminal: Terminal;
  readonly isJson: boolean;
  /** For what is said on the way, on stderr. */
  readonly style: Style;
  /** For results, on stdout. */
  readonly outStyle: Style;
  readonly settings: Settings;
  readonly server: ServerAddress;
  /** The token for this server; undefined when nobody signed in. */
  readonly token: string | undefined;
  /** A client of the server, signed in when there is a token. */
  readonly client: Client;
  /** Answers the command: JSON for machines, text for people. Whoever wrote the text, it does not drive the terminal. */
  answer(json: unknown, text: string): Promise<void>;
  /** The same with the text as it is: for colours, and for output that a pipe gets unchanged. What others wrote in it has to be plain already. */
  answerAsIs(json: unknown, text: string): Promise<void>;
  /** Says something on the way, on stderr, in a colour if one is given. Whoever wrote the text, it does not drive the terminal. */
  note(text: string, paint?: Style[keyof Style]): void;
}

/** Opens a session: reads the settings, chooses the server, finds the token. */
export async function openSession(options: SharedOptions, environment: Environment, terminal: Terminal): Promise<Session> {
  const settings = await readSettings(environment);
  const server = await serverAddress(options.server, environment, settings);
  const token = environment.BACKLOT_TOKEN || settings.servers[server.url]?.token;
  const isJson = options.json === true;
  const answerAsIs: Session["answerAsIs"] = (json, text) => terminal.out(isJson ? jsonLine(json) : text);
  return {
    environment,
    terminal,
    isJson,
    style: styleFor(terminal.isErrTty, environment.NO_COLOR),
    outStyle: styleFor(terminal.isOutTty, environment.NO_COLOR),
    settings,
    server,
    token,
    client: clientOf(server.url, token),
    answer: (json, text) => answerAsIs(json, plain(text)),
    answerAsIs,
    note: (text, paint = (each) => each) => terminal.err(`${paint(plain(text))}\n`),
  };
}

/** A client that says which program it is: the audit trail tells the command line's doings from other programs'. */
export function clientOf(url: string, token?: string): Client {
  const named: typeof fetch = (input, init) => {
    const headers = new Headers(init?.headers);
    headers.set("user-agent", `backlot-cli/${readVersion()}`);
    return fetch(input, { ...init, headers });
  };
  return createClient({ baseUrl: url, peer: `server at ${url}`, fetch: named, ...(token === undefined ? {} : { token: () => token }) });
}

/** Refuses to go on without a token: the server would only say so after a round trip. */
export function needSignIn(session: Session): void {
  if (session.token !== undefined) return;
  const others = Object.keys(session.settings.servers).filter((url) => url !== session.server.url);
  const hint = others.length === 0 ? "" : ` You are signed in at ${others.join(", ")}: choose it by --server.`;
  throw new CliError("not_signed_in", `You are not signed in at ${session.server.url}. Run \`backlot login ${session.server.url}\`.${hint}`, {
    exitCode: exitCodes.notSignedIn,
  });
}
