import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { listeningSockets, parseSocketTable, reaches, socketCount, socketInodes, socketText } from "./listening-sockets.ts";

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (local: string, state: string, inode: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000 100 0 0 10 0\n`;

it("reads what listens, and nothing else, from the kernel's table", () => {
  const table = head + row("0100007F:1388", "0A", "11") + row("0100007F:1F90", "01", "12") + row("00000000:1F90", "0A", "13");
  expect(parseSocketTable(table)).toEqual([
    { address: "127.0.0.1", port: 5000, inode: "11" },
    { address: "0.0.0.0", port: 8080, inode: "13" },
  ]);
});

it("writes addresses as people do", () => {
  const addresses = [
    "00000000000000000000000000000000",
    "00000000000000000000000001000000",
    "0000000000000000FFFF00000100007F",
    "B80D01200000000000000000010000FE",
  ];
  const found = parseSocketTable(head + addresses.map((address) => row(`${address}:1F90`, "0A", "1")).join(""));
  expect(found.map(socketText)).toEqual(["[::]:8080", "[::1]:8080", "127.0.0.1:8080", "[2001:db8::fe00:1]:8080"]);
});

it("tells whether a connection would arrive", () => {
  const target = { address: "10.77.0.1", port: 8080 };
  const at = (address: string, port = 8080) => reaches({ address, port, inode: "" }, target);
  expect([at("0.0.0.0"), at("::"), at("10.77.0.1")]).toEqual([true, true, true]);
  expect([at("127.0.0.1"), at("::1"), at("0.0.0.0", 5000)]).toEqual([false, false, false]);
});

it("sees a real socket of a real process", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const inodes = new Set(socketInodes(process.pid));
  // A machine with more listeners than one read holds may not show this one.
  const ours = listeningSockets(process.pid).find((socket) => socket.port === port);
  expect(ours?.address).toBe("127.0.0.1");
  expect(inodes.has(ours?.inode ?? "")).toBe(true);
  server.close();
});

it("counts sockets, so that it can be told cheaply that nothing has changed", async () => {
  const before = socketCount(process.pid);
  expect(before).toMatch(/^\d+\+\d+$/);
  expect(socketCount(2 ** 22 + 1)).toBe("+");
});

it("finds nothing for a process that has gone", () => {
  expect(listeningSockets(2 ** 22 + 1)).toEqual([]);
  expect(socketInodes(2 ** 22 + 1)).toEqual([]);
});
