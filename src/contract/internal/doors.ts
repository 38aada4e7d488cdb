import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import type { Component } from "../grant.ts";

/** The doors beside the dashboard: they hold no database and ask the manager who somebody is. */
const doors: readonly Component[] = ["shell", "ftp"];
const access = { kind: "component", callers: doors, verb: "door.open" } as const;

/** A folder that somebody may see through a door; `siteId` 0 is the installation's home folder. */
export const doorPlace = z.object({
  siteId: z.int().nonnegative(),
  /** The site's name; `home`. */
  name: z.string(),
  canWrite: z.boolean(),
  /** Whether programs may be run in it: a shell, a command. Absent: no. */
  canShell: z.boolean().optional(),
  /** Where the orchestrator is that holds it; absent: the one that the door was told of. */
  orchestrator: z.url().optional(),
  /** When a later epoch of the site is announced, ask again. */
  epoch: z.int().nonnegative(),
});
export type DoorPlace = z.output<typeof doorPlace>;

/** Who has signed in, and what they may see at this moment. */
export const doorView = z.object({
  /** Opaque: what `door.renew` takes. */
  session: z.string(),
  /** Null for the demo account, which is nobody. */
  user: z.object({ id: z.int(), username: z.string(), epoch: z.int() }).nullable(),
  /** With an API token: it may be taken back without an epoch, so look often. */
  usesToken: z.boolean(),
  /** What the session may be used for: an API token may be limited to one of them. Absent: files. */
  allows: z.array(z.enum(["files", "shell"])).optional(),
  places: z.array(doorPlace),
  /** The one place that the session is for, as its root; null shows each place as a folder. */
  root: z.int().nonnegative().nullable(),
  /** Tokens for the orchestrator, good for a minute, of the places that were asked for. */
  grants: z.array(z.tuple([z.int().nonnegative(), z.string()])),
});
export type DoorView = z.output<typeof doorView>;

export const openDoor = endpoint({
  id: "door.open",
  method: "POST",
  path: "/internal/v1/doors/sign-in",
  summary: "Who has this user name and password (or API token with the scope files); rate-limited as the dashboard's sign-in, noted in the audit trail",
  access,
  body: z.strictObject({
    username: z.string().max(200),
    password: z.string().max(1000),
    /** The one site that the session is for; null for all. */
    site: z.string().max(300).nullable(),
    door: z.enum(["ftp", "ssh", "sftp"]),
    address: z.string().max(100),
  }),
  result: doorView,
  status: 200,
  failures: ["credentials_wrong", "too_many_attempts", "site_not_found", "site_disabled"],
});

const base64 = (most: number) => z.base64().max(most);

export const openDoorByKey = endpoint({
  id: "door.open.key",
  method: "POST",
  path: "/internal/v1/doors/key-sign-in",
  summary:
    "Who signed this request of the SSH protocol with a key of theirs. The manager checks the signature and what was signed itself: the door is not believed",
  access: { kind: "component", callers: ["shell"], verb: "door.open" },
  body: z.strictObject({
    /** As it was typed, and signed: `USER` or `USER/SITE`. */
    account: z.string().max(500),
    /** The public key as it goes over the wire (RFC 4253, 6.6). */
    key: base64(8_192),
    /** What was signed: RFC 4252, section 7. */
    signed: base64(16_384),
    /** As `crypto.verify` takes it: DER for ECDSA. */
    signature: base64(8_192),
    address: z.string().max(100),
  }),
  result: doorView,
  status: 200,
  failures: ["credentials_wrong", "too_many_attempts", "site_not_found", "site_disabled"],
});

/** A key by which people know the SSH door: what their client shows at the first connection. */
export const hostKeyView = z.object({ algorithm: z.string().max(100), fingerprint: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/) });
export type HostKeyView = z.output<typeof hostKeyView>;

export const announceSsh = endpoint({
  id: "door.announce",
  method: "PUT",
  path: "/internal/v1/doors/ssh",
  summary: "Where the SSH door is, and its host keys' fingerprints; shown in the dashboard",
  access: { kind: "component", callers: ["shell"], verb: "door.open" },
  body: z.strictObject({
    /** As people type it; null: the dashboard's host. */
    host: z.string().max(300).nullable(),
    port: z.int().min(1).max(65_535),
    keys: z.array(hostKeyView).max(10),
  }),
  status: 204,
});

export const renewDoor = endpoint({
  id: "door.renew",
  method: "POST",
  path: "/internal/v1/doors/renew",
  summary: "What the session may see now; refused when the person, the token or the one site of it is gone",
  access,
  body: z.strictObject({ session: z.string().max(4096), grantsFor: z.array(z.int().nonnegative()).max(64) }),
  result: doorView,
  status: 200,
  failures: ["not_signed_in", "site_not_found"],
});

/** Changes of access. The first message says that the stream is open: whatever happened before may have been missed. */
export const doorChange = z.discriminatedUnion("type", [
  z.object({ type: z.literal("open") }),
  z.object({ type: z.literal("change"), sites: z.array(z.int()), users: z.array(z.int()) }),
  z.object({ type: z.literal("heartbeat") }),
]);
export type DoorChange = z.output<typeof doorChange>;

export const followDoors = endpoint({
  id: "doors.changes",
  method: "GET",
  path: "/internal/v1/doors/changes",
  summary: "Whose access changed, as server-sent events: doors ask again for the sessions concerned. A heartbeat every 10 s",
  access,
  result: { raw: "events", mediaType: "text/event-stream", event: doorChange },
  status: 200,
});

export const doorEndpoints = [openDoor, openDoorByKey, announceSsh, renewDoor, followDoors] as const;
