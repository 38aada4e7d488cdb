import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

// Exchanges a folder and a link in one system call, again and again: what a hostile program in a site can do at best.
const program = `
import ctypes, sys
libc = ctypes.CDLL(None)
pairs = [(p.encode(), (p + ".link").encode()) for p in sys.argv[1:]]
print("ready", flush=True)
while True:
  for a, b in pairs:
    libc.renameat2(-100, a, -100, b, 2)
`;

/** Keeps exchanging each folder with the link beside it (`<folder>.link`) until the process is ended. */
export async function swapFolders(cwd: string, folders: readonly string[]): Promise<ChildProcess> {
  const attacker = spawn("python3", ["-c", program, ...folders], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  await once(attacker.stdout ?? attacker, "data");
  return attacker;
}
