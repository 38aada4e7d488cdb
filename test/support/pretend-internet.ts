// An "internet" for tests: a network namespace behind a veth pair, with addresses that are nobody's and servers on them. Needs root.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun, runCommand } from "#orchestrator/runtime/process/run-command.ts";

const servers = `
  const net = require("node:net"), dgram = require("node:dgram");
  for (const port of [25, 53, 80, 443]) net.createServer((socket) => { socket.on("error", () => {}); socket.write(socket.remoteAddress); }).listen(port, "0.0.0.0");
  // One for each address: an answer has to come from the address that was asked.
  const bound = process.argv.slice(1).map((address) => new Promise((resolve) => {
    const udp = dgram.createSocket("udp4");
    udp.on("message", (text, from) => udp.send(from.address, from.port, from.address));
    udp.bind(53, address, resolve);
  }));
  Promise.all(bound).then(() => console.log("ready"));
`;

/** The addresses of it that tests use; the documentation ranges are public to the rules and nobody's in fact. */
export const pretended = {
  /** The host's own address on the way there. */
  host: "203.0.113.1",
  server: "203.0.113.2",
  resolver: "203.0.113.53",
  otherResolver: "203.0.113.54",
  privateServer: "192.168.77.2",
  /** In the range of the cloud's metadata address, which a developer's machine may need meanwhile. */
  linkLocal: "169.254.200.200",
} as const;

export interface PretendInternet extends AsyncDisposable {
  /** The host's interface on the way there. */
  readonly uplink: string;
  /** Names its server of names, as `/etc/resolv.conf` does, after one on the machine itself. */
  readonly resolverFile: string;
  isForwarding(): boolean;
  /** Whether somebody out there can connect to this address of the host's networks. */
  reaches(address: { readonly host: string; readonly port: number }): Promise<boolean>;
}

export async function pretendInternet(): Promise<PretendInternet> {
  const [ip, unshare, nsenter] = ["ip", "unshare", "nsenter"].map((name) => findProgram(name) ?? name);
  const uplink = `up${randomBytes(4).toString("hex")}`;
  const holder = spawn(unshare ?? "", ["--net", "--", "cat"], { env: { PATH: process.env.PATH }, stdio: ["pipe", "pipe", "inherit"] });
  holder.stdin.write("\n");
  await once(holder.stdout, "data");
  const enter = [nsenter ?? "", `--net=/proc/${holder.pid}/ns/net`, "--"];
  const run = (lines: readonly string[], prefix: readonly string[] = []) => mustRun([...prefix, ip ?? "", "-batch", "-"], { input: `${lines.join("\n")}\n` });
  const folder = await mkdtemp(join(tmpdir(), "backlot-internet-"));
  const resolverFile = join(folder, "resolv.conf");
  await writeFile(resolverFile, `nameserver 127.0.0.53\nnameserver ${pretended.resolver}\n`);
  const inside = [pretended.server, pretended.resolver, pretended.otherResolver, pretended.privateServer, pretended.linkLocal];
  await run([`link add ${uplink} type veth peer name eth0 netns ${holder.pid}`, `addr add ${pretended.host}/24 dev ${uplink}`, `link set ${uplink} up`]);
  await run(
    [
      "link set lo up",
      `addr add ${inside[0]}/24 dev eth0`,
      ...inside.slice(1).map((address) => `addr add ${address}/32 dev lo`),
      "link set eth0 up",
      `route add 10.77.0.0/16 via ${pretended.host}`,
    ],
    enter,
  );
  // A default route that nothing takes while there is another: what leads there is an interface to the outside.
  const via = `via ${pretended.server} dev ${uplink}`;
  await run([...inside.slice(1).map((address) => `route add ${address}/32 ${via}`), `route add default ${via} metric 4000000000`]);
  const program = spawn(enter[0] ?? "", [...enter.slice(1), process.execPath, "-e", servers, ...inside], { env: {}, stdio: ["ignore", "pipe", "inherit"] });
  await once(program.stdout, "data");
  return {
    uplink,
    resolverFile,
    reaches: async ({ host, port }) => {
      const script = `const socket = require("node:net").connect(${port}, "${host}"); socket.once("connect", () => process.exit(0)); socket.once("error", () => process.exit(1)); setTimeout(() => process.exit(1), 1000);`;
      return (await runCommand([...enter, process.execPath, "-e", script])).code === 0;
    },
    isForwarding: () => readFileSync(`/proc/sys/net/ipv4/conf/${uplink}/forwarding`, "utf8").trim() === "1",
    [Symbol.asyncDispose]: async () => {
      program.kill("SIGKILL");
      holder.stdin.end();
      // Its routes go with the interface.
      await runCommand([ip ?? "", "link", "delete", uplink]);
      await rm(folder, { recursive: true });
    },
  };
}
