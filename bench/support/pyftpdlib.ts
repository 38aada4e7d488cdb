import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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

/** Whether Debian's pyftpdlib can be used, with TLS or without; as root it is installed where it is missing. */
export async function hasPyftpdlib(kind: "FTPHandler" | "TLS_FTPHandler"): Promise<boolean> {
  const isThere = (): Promise<boolean> =>
    run(python, ["-c", `from pyftpdlib.handlers import ${kind}`]).then(
      () => true,
      () => false,
    );
  if (await isThere()) return true;
  if (process.getuid?.() !== 0) return false;
  const packages = ["python3-pyftpdlib", "python3-openssl"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], { env, timeout: 180_000 }).catch(() => undefined);
  return isThere();
}

/** Starts it; with the certificate and key of a Backlot's own, it speaks TLS. */
export async function startPyftpdlib(certificateFolder?: string): Promise<Pyftpdlib> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-pyftpdlib-"));
  const args = [join(import.meta.dirname, "pyftpdlib_server.py"), folder];
  if (certificateFolder !== undefined) {
    const parts = await Promise.all(["key.pem", "certificate.pem"].map((name) => readFile(join(certificateFolder, name), "utf8")));
    const both = join(folder, "..", `${folder.split("/").at(-1)}.pem`);
    await writeFile(both, parts.join(""), { mode: 0o600 });
    args.push(both);
  }
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    door: `127.0.0.1:${line.toString().trim()}`,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
      await rm(`${folder}.pem`, { force: true });
    },
  };
}
