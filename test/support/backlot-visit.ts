import { type IncomingHttpHeaders, request } from "node:http";
import { buffer } from "node:stream/consumers";

/** What a visitor sends. */
export interface VisitInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/** A real browser: what looks like a crawler does not wake a site. */
const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/** What a visitor gets. */
export interface Visited {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
}

/**
 * One request to an address with a Host header of its own. Over node:http and not fetch, which forbids the header and
 * resolves `..` out of the path: the path goes over the wire as it stands.
 */
export function visit(address: string, at: { readonly host: string; readonly path: string }, init: VisitInit = {}): Promise<Visited> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: hostname,
        port,
        path: at.path,
        method: init.method ?? "GET",
        headers: { "user-agent": browser, ...init.headers, host: at.host },
        agent: false,
        ...(init.signal === undefined ? {} : { signal: init.signal }),
      },
      (response) => {
        buffer(response).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, text: bytes.toString("utf8") });
        }, reject);
      },
    );
    sent.once("error", reject);
    sent.end(init.body);
  });
}
