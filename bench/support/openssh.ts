import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { accessSync, mkdirSync } from "node:fs";
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const program = "/usr/sbin/sshd";

/** Whether OpenSSH's server is installed. */
export function hasSshd(): boolean {
  try {
    accessSync(program);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** OpenSSH's own server on this machine, for the person who runs the benchmark and one key. */
export async function startSshd(folder: string, publicKeyFile: string): Promise<AsyncDisposable & { readonly port: number; readonly pid: number }> {
  const own = join(folder, "sshd");
  await mkdir(own, { recursive: true });
  // It refuses to start without its empty folder.
  mkdirSync("/run/sshd", { recursive: true });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(own, "host")]);
  await copyFile(publicKeyFile, join(own, "authorized"));
  await chmod(join(own, "authorized"), 0o600);
  const port = await freePort();
  const lines = [
    ...[`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${join(own, "host")}`, `AuthorizedKeysFile ${join(own, "authorized")}`],
    ...["StrictModes no", "UsePAM no", "PermitRootLogin prohibit-password", "PasswordAuthentication no", "MaxStartups 200", `PidFile ${join(own, "pid")}`],
    "Subsystem sftp internal-sftp",
  ];
  await writeFile(join(own, "config"), `${lines.join("\n")}\n`);
  const child: ChildProcess = spawn(program, ["-D", "-e", "-f", join(own, "config")], { stdio: "ignore" });
  await delay(500);
  return { port, pid: child.pid ?? 0, [Symbol.asyncDispose]: async () => void child.kill() };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
