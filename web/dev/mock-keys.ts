import { createKey } from "#contract/api/keys.ts";
import { Failure } from "#contract/failure.ts";
import type { MockHandler } from "./mock-call.ts";

interface MockKey {
  readonly id: string;
  readonly title: string;
  readonly algorithm: string;
  readonly bits: number;
  readonly fingerprint: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

const fingerprintOf = (seed: string): string => `SHA256:${btoa(seed).replace(/=/g, "").padEnd(43, "x").slice(0, 43)}`;
let keys: readonly MockKey[] = [];

export const mockKeyHandlers: Readonly<Record<string, MockHandler>> = {
  "keys.list": () => ({ keys }),
  "keys.create": ({ body }) => {
    const { key, title } = createKey.body.parse(body);
    if (key.includes("PRIVATE KEY")) throw new Failure("key_private");
    const [algorithm = "", blob = "", comment = ""] = key.trim().split(/\s+/);
    if (!algorithm.startsWith("ssh-") || blob === "") throw new Failure("key_invalid", { reason: "it begins with no algorithm that is known here." });
    const made = { id: crypto.randomUUID(), title: title || comment || algorithm, algorithm, bits: 256, fingerprint: fingerprintOf(blob) };
    const entry = { ...made, createdAt: new Date().toISOString(), lastUsedAt: null };
    keys = [...keys, entry];
    return { key: entry };
  },
  "keys.delete": ({ params }) => {
    if (!keys.some((key) => key.id === params.id)) throw new Failure("key_not_found");
    keys = keys.filter((key) => key.id !== params.id);
  },
  "ssh.read": () => ({ ssh: { host: "localhost", port: 2222, keys: [{ algorithm: "ssh-ed25519", fingerprint: fingerprintOf("demonstration") }] } }),
};
