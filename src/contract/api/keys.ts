import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { hostKeyView } from "../internal/doors.ts";
import { timestamp } from "../site.ts";

const keyView = z.object({
  id: z.uuid(),
  title: z.string(),
  /** As in the key's own text: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`. */
  algorithm: z.string(),
  bits: z.int(),
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  fingerprint: z.string(),
  createdAt: timestamp,
  lastUsedAt: timestamp.nullable(),
});

export const createKey = endpoint({
  id: "keys.create",
  method: "POST",
  path: "/api/v1/keys",
  summary: "Add a public key of mine, as it stands in a .pub file, for SSH and SFTP",
  access: { kind: "signed-in", scope: "full" },
  body: z.strictObject({
    /** What the key is called; the comment in its text unless given. */
    title: z.string().trim().max(100).optional(),
    key: z.string().max(20_000),
  }),
  result: z.object({ key: keyView }),
  status: 201,
  failures: ["key_invalid", "key_private", "key_taken", "key_limit_reached"],
});

export const listKeys = endpoint({
  id: "keys.list",
  method: "GET",
  path: "/api/v1/keys",
  summary: "My public keys, oldest first",
  access: { kind: "signed-in", scope: "read" },
  result: z.object({ keys: z.array(keyView) }),
  status: 200,
});

export const deleteKey = endpoint({
  id: "keys.delete",
  method: "DELETE",
  path: "/api/v1/keys/:id",
  summary: "Remove a public key of mine; ends the sessions that signed in with it",
  access: { kind: "signed-in", scope: "full" },
  params: z.object({ id: z.string().max(100) }),
  status: 204,
  failures: ["key_not_found"],
});

export const readSshDoor = endpoint({
  id: "ssh.read",
  method: "GET",
  path: "/api/v1/ssh",
  summary: "Where SSH and SFTP answer, and the host keys by which one knows that it is this Backlot",
  access: { kind: "signed-in", scope: "read" },
  result: z.object({
    /** Null where no SSH door runs. */
    ssh: z.object({ host: z.string(), port: z.int(), keys: z.array(hostKeyView) }).nullable(),
  }),
  status: 200,
});

export const keyEndpoints = [createKey, listKeys, deleteKey, readSshDoor] as const;
