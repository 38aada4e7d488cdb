import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";

/**
 * Does the work while no other process prepares this checkout; waits for one that does. The lock is a listening socket in Linux' abstract
 * namespace (as in src/supervisor/folder-lock.ts): it goes with its process, so that none is ever left behind.
 */
export async function withLock(root, work) {
  const name = `\0backlot/prepare/${createHash("sha256").update(root).digest("hex")}`;
  let server = await listen(name);
  if (server === undefined) process.stdout.write("Waiting for another preparation of this folder …\n");
  while (server === undefined) {
    await untilClosed(name);
    server = await listen(name);
  }
  try {
    await work();
  } finally {
    server.close();
  }
}

function listen(name) {
  return new Promise((resolve, reject) => {
    const held = new Set();
    const server = createServer((socket) => held.add(socket.on("error", () => socket.destroy())));
    server.once("error", (error) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen(name, () => {
      resolve({
        close() {
          server.close();
          for (const socket of held) socket.destroy();
        },
      });
    });
  });
}

function untilClosed(name) {
  return new Promise((resolve) => {
    const socket = connect(name);
    socket.on("error", () => undefined);
    socket.on("close", resolve);
  });
}
