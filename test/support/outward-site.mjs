// A site's program that tries to reach what TARGETS names, says how each try ended, and ends.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

const patienceMs = 1500;
const { targets, together } = JSON.parse(process.env.TARGETS);

function tcp({ host, port }) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result) => resolve({ result, socket });
    socket.setTimeout(patienceMs, () => end("silence"));
    socket.once("data", (data) => end(`answer: ${data}`));
    socket.once("error", (error) => end(error.code));
  });
}

function udp({ host, port }) {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (result) => {
      socket.close();
      clearTimeout(timer);
      resolve({ result });
    };
    const timer = setTimeout(end, patienceMs, "silence");
    socket.once("message", (data) => end(`answer: ${data}`));
    socket.once("error", (error) => end(error.code));
    socket.connect(port, host, (error) => (error === undefined ? socket.send("question") : end(error.code)));
  });
}

const results = {};
await Promise.all(
  targets.map(async (target) => {
    const { result, socket } = await (target.kind === "udp" ? udp : tcp)(target);
    socket?.destroy();
    results[`${target.kind} ${target.host}:${target.port}`] = result;
  }),
);
let open = 0;
if (together !== undefined) {
  const tries = await Promise.all(Array.from({ length: together.count }, () => tcp(together)));
  open = tries.filter(({ result }) => result.startsWith("answer")).length;
}
console.log(JSON.stringify({ results, open, resolvers: readFileSync("/etc/resolv.conf", "utf8") }));
process.exit(0);
