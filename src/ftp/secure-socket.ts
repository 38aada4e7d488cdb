import { once } from "node:events";
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";

const handshakeMs = 30_000;

/** Speaks TLS, as the server, on a connection that is there; rejects when the client does not, or goes away before it does. */
export async function secureSocket(plain: Socket, context: SecureContext): Promise<TLSSocket> {
  const secure = new TLSSocket(plain, { isServer: true, secureContext: context, requestCert: false, rejectUnauthorized: false });
  const timer = setTimeout(() => secure.destroy(new Error("the TLS handshake took too long")), handshakeMs);
  // Node calls it no error when a client ends its side in the middle of the handshake (basic-ftp does so for an empty file).
  const gone = new AbortController();
  secure.once("close", () => gone.abort(new Error("the connection was closed during the TLS handshake")));
  try {
    await once(secure, "secure", { signal: gone.signal });
    // What fails later is told by whoever reads or writes.
    secure.on("error", () => undefined);
    return secure;
  } catch (error) {
    secure.on("error", () => undefined);
    secure.destroy();
    plain.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
