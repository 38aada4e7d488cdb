// Keeps one PostgreSQL for all test files that run on this machine from this checkout, as long as one of them is connected.
// It runs under a lock (`flock`), so that there is one at a time whatever an earlier one has left.
import { rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { silentLog } from "#kit/log.ts";
import { startPrivatePostgres } from "#supervisor/private-postgres.ts";
import { keeperDoor } from "./keeper-door.ts";

/** Longer than the pause between two test files. */
const idleMs = 3_000;

const [folder = ""] = process.argv.slice(2);
const address = keeperDoor(folder);
const users = new Set<Socket>();
let isStopping = false;
let idle: NodeJS.Timeout | undefined;

const door = createServer((socket) => {
  // It came in the moment the door was closed: let it find, or start, another keeper.
  if (isStopping) return void socket.destroy();
  clearTimeout(idle);
  users.add(socket);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    users.delete(socket);
    if (users.size === 0) idle = setTimeout(stop, idleMs);
  });
  socket.resume();
  void server.then(({ url }) => socket.write(`${url}\n`));
});

await rm(address, { force: true });
await new Promise<void>((resolve) => {
  door.once("error", () => process.exit(0));
  door.listen(address, resolve);
});
await rm(folder, { recursive: true, force: true });
// No test here cuts the power; those of the private server itself run with what is shipped.
const server = startPrivatePostgres({ folder, log: silentLog(), settings: { fsync: "off", max_connections: "300" } });
const { exited } = await server;
void exited.then(async (exit) => {
  if (isStopping) return;
  await writeFile(`${folder}.log`, `${new Date().toISOString()} the test database ended: ${JSON.stringify(exit)}\n`);
  process.exit(1);
});
if (users.size === 0) idle = setTimeout(stop, idleMs);

function stop(): void {
  isStopping = true;
  door.close();
  void server
    .then((running) => running.stop())
    .then(() => rm(folder, { recursive: true, force: true }))
    .then(() => process.exit(0));
}
