import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backlot } from "../../test/support/backlot.ts";

/** Files of 1 KiB that go up and down one after another. */
export const smallFiles = 200;

/** A temporary folder with what goes through a door: `large.bin`, and the folder `small`. */
export interface TransferFolder extends AsyncDisposable {
  readonly path: string;
  readonly largeFile: string;
  readonly smallFolder: string;
}

/** Makes it; all of it is random, so that nothing on the way can be spared. */
export async function makeTransferFolder(name: string, largeBytes: number): Promise<TransferFolder> {
  const path = await mkdtemp(join(tmpdir(), `backlot-bench-${name}-`));
  const [largeFile, smallFolder] = [join(path, "large.bin"), join(path, "small")];
  await writeFile(largeFile, randomBytes(largeBytes));
  await mkdir(smallFolder);
  for (let index = 0; index < smallFiles; index += 1) await writeFile(join(smallFolder, `${index}.bin`), randomBytes(1_024));
  return { path, largeFile, smallFolder, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The columns of a door's table. */
export const doorHeader = ["", "sign-ins/s", "upload MB/s", "download MB/s", "small files/s up", "small files/s down", "memory of a session, kB"];

/** The process that holds Backlot's doors. */
export function doorProcessOf(backlot: Backlot): number {
  const found = backlot.processes().find(({ command }) => command.includes("run manager,worker"));
  if (found === undefined) throw new Error("there is no process with the doors");
  return found.pid;
}

/** How often a second something can be done by four at once, each again as soon as it is done. */
export async function rateOfFour(forMs: number, act: () => Promise<void>): Promise<number> {
  const until = performance.now() + forMs;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      await act();
      count += 1;
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  return count / (forMs / 1000);
}
