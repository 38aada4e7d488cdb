import type { Client } from "#contract/client.ts";
import type { DoorSession } from "#kit/door/door-session.ts";
import type { RemoteFiles } from "#kit/door/remote-files.ts";
import type { SessionWatch } from "#kit/door/session-watch.ts";
import type { Log } from "#kit/log.ts";
import type { DoorRules } from "./config.ts";

/** What every connection shares. */
export interface DoorDeps {
  readonly rules: DoorRules;
  readonly manager: Client;
  readonly orchestratorUrl: string;
  readonly watch: SessionWatch;
  readonly log: Log;
}

/** Someone who has signed in. */
export interface SignedIn {
  readonly door: DoorSession;
  readonly files: RemoteFiles;
  /** Shown as the owner of files. */
  readonly name: string;
  readonly since: Date;
}

/** Who is at the other end: someone who may do something, or someone who is known but is told only why not. */
export type Visitor = { readonly kind: "person"; readonly person: SignedIn } | { readonly kind: "turned-away"; readonly reason: string };
