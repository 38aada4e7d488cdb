import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { notePassed } from "./passing-buffers.ts";

const mebibyte = 1024 * 1024;

test("buffers that have passed are swept up before they are many", async () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const server = createServer((socket) => {
    socket.on("data", (piece) => {
      notePassed(piece.length);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const piece = Buffer.alloc(mebibyte);
  for (let count = 0; count < 200; count += 1) if (!client.write(piece)) await once(client, "drain");
  client.end();
  await once(client.resume(), "close");
  server.close();
  // By itself V8 lets them be 64 MiB and more.
  expect(most / mebibyte).toBeLessThan(40);
});
