import { rm, stat } from "node:fs/promises";
import { createServer, type ServerOptions } from "./server.ts";

/** Where a process that serves nothing else says how it is. */
export interface HealthDoorOptions extends Pick<ServerOptions, "log" | "ready" | "metrics"> {
  readonly host: string;
  /** 0 for any free one; undefined: none. */
  readonly port: number | undefined;
  /** A Unix socket beside it or instead of it: several processes that share a network each have one of their own. */
  readonly socket?: string | undefined;
}

/** An open door for `/healthz`, `/readyz` and `/metrics`. */
export interface HealthDoor {
  /** Null without a port. */
  readonly url: string | null;
  close(): Promise<void>;
}

/** Opens `/healthz`, `/readyz` and `/metrics` where they are wanted. */
export async function openHealthDoor({ host, port, socket, ...options }: HealthDoorOptions): Promise<HealthDoor> {
  await using stack = new AsyncDisposableStack();
  const serve = async (place: { readonly host: string; readonly port: number } | { readonly path: string }): Promise<string> => {
    const app = createServer(options);
    stack.defer(() => app.close());
    return app.listen(place);
  };
  const url = port === undefined ? null : await serve({ host, port });
  if (socket !== undefined) {
    await removeSocket(socket);
    await serve({ path: socket });
  }
  const open = stack.move();
  return { url, close: () => open.disposeAsync() };
}

/** One that was killed leaves its socket behind, at which nobody could listen; anything else of that name is left alone. */
async function removeSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isSocket()) await rm(path, { force: true });
}
