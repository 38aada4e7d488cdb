import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";

/** The folder belongs to this process until it is released or the process ends, however it ends. */
export interface FolderLock extends AsyncDisposable {
  release(): Promise<void>;
}

/**
 * Takes a folder for this process alone; null when another process holds it, whose number `holderOf` tells.
 * The lock is a listening socket in Linux' abstract namespace: the kernel drops it the moment its process is gone,
 * `kill -9` included, so that there is never a stale lock file to judge.
 */
export async function lockFolder(folder: string, purpose: string): Promise<FolderLock | null> {
  const name = await lockName(folder, purpose);
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).end(String(process.pid)));
  if (!(await listen(server, name))) return null;
  server.unref();
  const release = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { release, [Symbol.asyncDispose]: release };
}

/** The process that holds a folder; null when nobody does, or it does not say. */
export async function holderOf(folder: string, purpose: string): Promise<number | null> {
  const name = await lockName(folder, purpose);
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(name);
    socket.setTimeout(1000, () => socket.destroy());
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("error", () => resolve(null));
    socket.on("close", () => resolve(Number.parseInt(text, 10) || null));
  });
}

async function lockName(folder: string, purpose: string): Promise<string> {
  const digest = createHash("sha256")
    .update(await realpath(folder))
    .digest("hex");
  return `\0backlot/${purpose}/${digest}`;
}

function listen(server: Server, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // It stays: a connection that later cannot be accepted, for want of a descriptor, would end the process if nobody listened.
    server.on("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(false) : reject(error)));
    server.listen(name, () => resolve(true));
  });
}
