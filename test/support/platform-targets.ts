// Where a running Backlot can be reached at all, and by whom it is run: what a hostile program in one of its sites is told to try.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { listeningSockets, socketInodes } from "#orchestrator/runtime/process/listening-sockets.ts";
import type { Backlot } from "./backlot.ts";

/** As test/support/hostile-site.mjs takes them. */
export interface HostileTargets {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly sockets: readonly string[];
  readonly files: readonly string[];
  readonly pids: readonly number[];
  /** Only looks: what changes something is left out, for whoever runs it outside of a sandbox. */
  readonly isControl?: boolean;
}

/** Everything of the platform's own as it is at this moment: what listens, key files, the database's socket, every process' /proc. */
export function platformTargets(backlot: Backlot): HostileTargets {
  const processes = backlot.processes();
  const own = processes.filter(({ command }) => /backlot\.mjs|postgres/.test(command)).map(({ pid }) => pid);
  const inodes = new Set(own.flatMap(socketInodes));
  const keys = join(backlot.data, "keys");
  return {
    addresses: listeningSockets(process.pid)
      .filter(({ inode }) => inodes.has(inode))
      .map(({ address, port }) => ({ host: address, port })),
    sockets: listeningPaths(inodes),
    files: [
      ...[backlot.data, keys, ...readdirSync(keys).map((name) => join(keys, name)), join(backlot.data, "sites")],
      ...[join(backlot.data, "postgres"), join(backlot.data, "endpoints.json")],
      ...own.flatMap((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/maps`, `/proc/${pid}/root`]),
    ],
    pids: processes.map(({ pid }) => pid),
  };
}

/** The same, as somebody in another network would try it: each port at every address of this machine. */
export function atEveryAddress(targets: HostileTargets): HostileTargets {
  const machine = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  const hosts = ["127.0.0.1", "::1", ...machine.map(({ address }) => (address.startsWith("fe80") ? `${address}%eth0` : address))];
  const ports = [...new Set(targets.addresses.map(({ port }) => port))];
  return { ...targets, addresses: [...new Set(hosts)].flatMap((host) => ports.map((port) => ({ host, port }))) };
}

/** Where another site's program listens, in the network that it has for itself; nothing where sites are reached by sockets. */
export function neighbourAddresses(backlot: Backlot, program: RegExp): readonly { readonly host: string; readonly port: number }[] {
  const found = backlot
    .processes()
    .filter(({ pid, command }) => program.test(command) && listeningSockets(pid).some(({ inode }) => socketInodes(pid).includes(inode)));
  return found.flatMap(({ pid }) => {
    if (process.getuid?.() !== 0) return [];
    const shown = execFileSync("nsenter", [`--net=/proc/${pid}/ns/net`, "ip", "-4", "-o", "address", "show", "scope", "global"], { encoding: "utf8" });
    const hosts = [...shown.matchAll(/inet ([\d.]+)/g)].map(([, host = ""]) => host);
    return hosts.flatMap((host) => listeningSockets(pid).map(({ port }) => ({ host, port })));
  });
}

/** Listening unix sockets of these processes; an abstract one begins with NUL. */
function listeningPaths(inodes: ReadonlySet<string>): readonly string[] {
  const accepting = 0x1_0000;
  return readFileSync("/proc/net/unix", "utf8")
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const [, , , flags = "0", , , inode = "", path] = line.trim().split(/\s+/);
      return path !== undefined && inodes.has(inode) && (Number.parseInt(flags, 16) & accepting) !== 0 ? [path.replace(/^@/, "\0")] : [];
    });
}
