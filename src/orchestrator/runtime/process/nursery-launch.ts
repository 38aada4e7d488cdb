import type { Readable } from "node:stream";
import { Failure } from "#contract/failure.ts";
import { initIn, isExhausted, type Launched, readUntil, readyTimeoutMs, timeout } from "./launch.ts";
import { type Nursery, NurseryGone, type NurseryStart } from "./nursery.ts";
import { nurseryWords } from "./nursery-words.ts";
import { identify, parentOf } from "./process-table.ts";
import { rawOutput } from "./raw-output.ts";
import type { RunRoot } from "./run-root.ts";
import { sandboxArguments } from "./sandbox-command.ts";
import type { SandboxLaunch, SandboxMachine } from "./sandbox-machine.ts";

/** Bubblewrap's filter comes to a nursery's start at this descriptor. */
const seccompDescriptor = 6;

/** What a nursery can start: nothing that needs a word more in front of bubblewrap. */
export function fitsNursery(machine: SandboxMachine): boolean {
  return !machine.limitsOwnPids;
}

/** Starts a program in a sandbox by a nursery, up to its gate: as `launchInSandbox` does, without a new process of ours. */
export async function launchInNursery(
  { machine, root }: { readonly machine: SandboxMachine; readonly root: RunRoot },
  nursery: Nursery,
  request: Omit<SandboxLaunch, "onOutput" | "onSpawned" | "parked"> & { readonly takeOutput: NonNullable<SandboxLaunch["takeOutput"]> },
): Promise<Launched> {
  const folder = await root.folder();
  const facts = { ...machine.facts, gate: machine.view.nurseryGate, ...(folder === null ? {} : { root: folder }) };
  const start = await nursery.start({
    owner: request.owner,
    networkNamespace: request.networkNamespace,
    fileBlocks: Math.floor(request.limits.fileBytes / 512),
    arguments: sandboxArguments(request.sandbox, facts, machine.seccompFile === null ? null : seccompDescriptor),
  });
  const complaint = { text: "" };
  const raw = rawOutput(start, { complaint, take: request.takeOutput });
  const ended = start.ended.then((code) => ({ code, signal: code === null ? ("SIGKILL" as const) : null }));
  try {
    const early = ended.then(() => null);
    const initPid = await Promise.race([told(start.tell), early, timeout(readyTimeoutMs)]);
    const init = initPid === null ? null : identify(initPid);
    const leader = initPid === null ? null : identify(parentOf(initPid) ?? 0);
    if (initPid === null && (await ended).code === null) throw new NurseryGone();
    if (leader === null || init === null) throw new Error(`the sandbox could not be made: ${complaint.text.trim() || "it ended"}`);
    return {
      leader,
      init,
      ended,
      output: raw.closed,
      open: () => {
        raw.open();
        // Who reads it may have ended already; how it ended tells more.
        start.say(nurseryWords(request.command)).catch(() => start.kill());
      },
      kill: () => start.kill(),
    };
  } catch (error) {
    giveUp(start);
    throw isExhausted(error) ? new Failure("machine_full", {}, { cause: error }) : error;
  }
}

/** The number of the sandbox's first process, once bubblewrap has told it and the gate is ready. */
function told(tell: Readable): Promise<number> {
  return readUntil(tell, (text) => (/^ready$/m.test(text) ? initIn(text) : null));
}

// What nobody opened has no end.
function giveUp(start: NurseryStart): void {
  start.kill();
  for (const pipe of [start.stdout, start.stderr, start.tell]) pipe.destroy();
}
