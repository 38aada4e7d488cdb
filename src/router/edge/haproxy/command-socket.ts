import { createConnection } from "node:net";

const timeoutMs = 5000;
const mostAnswerBytes = 32 * 1024 * 1024;

/** Sends commands to a running HAProxy and resolves with its answer. */
export type SendCommand = (command: string) => Promise<string>;

/** HAProxy's runtime socket: the path of a unix socket, or `address:port`. Each call has a connection of its own, whose end is the end of the answer. */
export function commandSocket(place: string): SendCommand {
  const options = place.startsWith("/") ? { path: place } : tcpPlace(place);
  return (command) =>
    new Promise((resolve, reject) => {
      const socket = createConnection(options);
      const parts: Buffer[] = [];
      let bytes = 0;
      socket.setTimeout(timeoutMs, () => socket.destroy(new Error("HAProxy did not answer in time")));
      socket.on("error", reject);
      socket.on("data", (chunk: Buffer) => {
        parts.push(chunk);
        bytes += chunk.length;
        if (bytes > mostAnswerBytes) socket.destroy(new Error("HAProxy answered more than anything that it was asked"));
      });
      socket.on("end", () => resolve(Buffer.concat(parts).toString("utf8")));
      socket.on("close", () => reject(new Error("HAProxy ended the connection")));
      // No end() yet: HAProxy takes that for the visitor's leaving, and may drop commands that wait.
      socket.write(`${command}\n`);
    });
}

function tcpPlace(place: string): { readonly host: string; readonly port: number } {
  const colon = place.lastIndexOf(":");
  return { host: place.slice(0, colon), port: Number(place.slice(colon + 1)) };
}
