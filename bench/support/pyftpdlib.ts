import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Debian's own: the package python3-pyftpdlib belongs to this interpreter. */
const python = "/usr/bin/python3";
const run = promisify(execFile);

/** A server of pyftpdlib with the account `ftp`. */
export interface Pyftpdlib extends AsyncDisposable {
  /** HOST:PORT. */
  readonly door: string;
  readonly pid: number;
}

/** Whether Debian's pyftpdlib can be used; as root it is installed where it is missing. */
export async function hasPyftpdlib(): Promise<boolean> {
  const isThere = (): Promise<boolean> =>
    run(python, ["-c", "import pyftpdlib"]).then(
      () => true,
      () => false,
    );
  if (await isThere()) return true;
  if (process.getuid?.() !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", "python3-pyftpdlib"], { env, timeout: 180_000 }).catch(() => undefined);
  return isThere();
}

/** Starts it on a folder of its own. */
export async function startPyftpdlib(): Promise<Pyftpdlib> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-pyftpdlib-"));
  const child = spawn(python, [join(import.meta.dirname, "pyftpdlib_server.py"), folder], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    door: `127.0.0.1:${line.toString().trim()}`,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
