// relay-program.mjs SOCKET PORT: what socat does for us where it is not installed.
import { connect, createServer } from "node:net";

const [socket, port] = process.argv.slice(2);
const server = createServer({ allowHalfOpen: true }, (from) => {
  const to = connect({ host: "127.0.0.1", port: Number(port), allowHalfOpen: true });
  from.pipe(to).pipe(from);
  from.on("error", () => to.destroy()).on("close", () => to.destroy());
  to.on("error", () => from.destroy()).on("close", () => from.destroy());
});
server.listen({ path: socket, backlog: 512 });
