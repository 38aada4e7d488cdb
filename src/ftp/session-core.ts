import type { SecureContext } from "node:tls";
import type { Client } from "#contract/client.ts";
import type { DoorSession } from "#kit/door/door-session.ts";
import type { RemoteFiles } from "#kit/door/remote-files.ts";
import type { SessionWatch } from "#kit/door/session-watch.ts";
import type { Log } from "#kit/log.ts";
import type { DoorRules } from "./config.ts";
import type { DataChannel } from "./data-channel.ts";
import { type FactName, factNames } from "./listing.ts";
import type { Timers } from "./timers.ts";

/** What every session shares. */
export interface DoorDeps {
  readonly rules: DoorRules;
  readonly manager: Client;
  readonly orchestratorUrl: string;
  /** Opened for each control connection, so that a data connection can be held to the TLS session of its own. */
  readonly openSecureContext: () => SecureContext;
  readonly watch: SessionWatch;
  readonly timers: Timers;
  readonly log: Log;
}

/** Someone who has signed in. */
export interface SignedIn {
  readonly door: DoorSession;
  readonly files: RemoteFiles;
  /** Shown as the owner of files. */
  readonly name: string;
  readonly since: Date;
  release(): void;
}

/** A transfer that is under way. */
export interface Transfer {
  readonly abort: AbortController;
  readonly what: string;
  bytes: number;
}

/** What a session remembers from one command to the next. */
export interface SessionState {
  person: SignedIn | null;
  /** The name of USER, until PASS. */
  pendingName: string | null;
  failures: number;
  current: readonly string[];
  isSecure: boolean;
  /** PBSZ was given. */
  hasBufferSize: boolean;
  protectsData: boolean;
  isText: boolean;
  restOffset: number;
  renameFrom: { readonly siteId: number; readonly path: string } | null;
  data: DataChannel | null;
  transfer: Transfer | null;
  wasAborted: boolean;
  /** After EPSV ALL nothing else makes a data connection. */
  onlyEpsv: boolean;
  facts: readonly FactName[];
}

/** What commands work with. */
export interface SessionCore {
  readonly deps: DoorDeps;
  /** Of this connection and its data connections. */
  readonly secureContext: SecureContext;
  readonly state: SessionState;
  readonly peer: { readonly address: string; readonly localAddress: string };
  /** One line, or several with the first and the last around the others. */
  reply(code: number, text: string | readonly string[]): Promise<void>;
  /** Goes on in TLS once this reply is out; what came in before is forgotten. */
  secure(context: SecureContext, code: number, text: string): Promise<void>;
  /** Signs in, and watches over the session from now on. */
  signIn(person: SignedIn): void;
  /** Forgets who it is and everything that was agreed. */
  signOut(): void;
  /** Closes once this reply is out. */
  end(code: number, text: string): Promise<void>;
}

/** Does one command. */
export type CommandHandler = (core: SessionCore, argument: string) => Promise<void>;

/** How a session begins. */
export function newState(): SessionState {
  return {
    person: null,
    pendingName: null,
    failures: 0,
    current: [],
    isSecure: false,
    hasBufferSize: false,
    protectsData: false,
    isText: false,
    restOffset: 0,
    renameFrom: null,
    data: null,
    transfer: null,
    wasAborted: false,
    onlyEpsv: false,
    facts: factNames,
  };
}
