import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** Encrypts texts at rest and opens them again. */
export interface Seal {
  seal(text: string): string;
  /** @throws when the text was sealed with another key or changed since. */
  open(sealed: string): string;
}

const version = "v1";

/** AES-256-GCM with a key of its own for each purpose, derived from a secret of at least 32 bytes. */
export function createSeal(secret: Uint8Array, purpose: string): Seal {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", `backlot seal ${purpose}`, 32));
  return {
    seal: (text) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return `${version}:${nonce.toString("base64url")}:${body.toString("base64url")}`;
    },
    open: (sealed) => {
      const [found, nonce, body] = sealed.split(":");
      if (found !== version || nonce === undefined || body === undefined) throw new Error("this is not a sealed text");
      const bytes = Buffer.from(body, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64url"));
      decipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString("utf8");
    },
  };
}
