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

// Puts a pipe and a file in each other's place, again and again. Whoever opens the pipe as if it were a file waits for somebody at the other end:
// after a while the attacker comes there, so that a test fails instead of standing still for good.
const planter = `
import os, sys, time
began = time.monotonic()
print("ready", flush=True)
while True:
  for path in sys.argv[1:]:
    try:
      os.mkfifo(path + ".pipe")
      os.rename(path + ".pipe", path)
      if time.monotonic() - began > 60:
        waiting = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        time.sleep(0.05)
        os.close(waiting)
      with open(path + ".file", "w") as file: file.write("mine")
      os.rename(path + ".file", path)
    except OSError: pass
`;

/** Keeps planting a pipe in the place of each file, and a file in the pipe's, until the process is ended. Whoever waits at a pipe does so for a minute. */
export async function plantPipes(cwd: string, files: readonly string[]): Promise<ChildProcess> {
  const attacker = spawn("python3", ["-c", planter, ...files], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  await once(attacker.stdout ?? attacker, "data");
  return attacker;
}
