import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { Failure } from "#contract/failure.ts";
import { initIn, isExhausted, type Launched, readUntil, readyTimeoutMs, timeout } from "./launch.ts";
import type { LeasedNursery, Nurseries } from "./nurseries.ts";
import { type Nursery, NurseryGone, type NurseryOrder, type NurseryStart } from "./nursery.ts";
import { nurseryWords } from "./nursery-words.ts";
import { identify, parentOf } from "./process-table.ts";
import { rawOutput } from "./raw-output.ts";
import type { RunRoot } from "./run-root.ts";
import { sandboxArguments } from "./sandbox-command.ts";
import type { SandboxLaunch, SandboxMachine } from "./sandbox-machine.ts";
import { WarmSandbox } from "./warm-sandbox.ts";

/** Bubblewrap's filter comes to a nursery's start at this descriptor. */
const seccompDescriptor = 6;

/** What a nursery can start: nothing that needs a word more in front of bubblewrap. */
export function fitsNursery(machine: SandboxMachine): boolean {
  return !machine.limitsOwnPids;
}

type NurseryLaunch = Omit<SandboxLaunch, "onOutput" | "onSpawned" | "parked"> & { readonly takeOutput: NonNullable<SandboxLaunch["takeOutput"]> };

/** What a sandbox that may serve several runs is made of, and what such runs have in common. */
export interface KeptPlan {
  readonly order: (hasNetwork: boolean) => NurseryOrder;
  readonly keyOf: (hasNetwork: boolean) => string;
}

/** Null where each run needs a sandbox of its own: what has a way out has it by a network that is leased for each. */
export async function planKept(
  { machine, nurseries }: { readonly machine: SandboxMachine; readonly nurseries: Nurseries },
  request: NurseryLaunch,
  folder: string | null,
): Promise<KeptPlan | null> {
  if (!nurseries.keeping.isOn || request.owner === null || request.networkNamespace !== null) return null;
  const root = await nurseries.root.made();
  if (root === null) return null;
  const { owner } = request;
  // A folder that was replaced by another one of the same name is another place.
  const place = folder === null ? null : statSync(folder);
  const order = (hasNetwork: boolean): NurseryOrder => ({
    owner,
    networkNamespace: null,
    arguments: sandboxArguments(
      // Variables come with each order.
      { ...request.sandbox, environment: {}, isKept: true, ownsNetwork: !hasNetwork },
      { ...machine.facts, root: root.folder },
      machine.seccompFile === null ? null : seccompDescriptor,
    ),
  });
  const keys = new Map<boolean, string>();
  const keyOf = (hasNetwork: boolean): string => {
    const key = keys.get(hasNetwork) ?? [root.number, owner.uid, owner.gid, place?.dev, place?.ino, ...order(hasNetwork).arguments].join("\0");
    keys.set(hasNetwork, key);
    return key;
  };
  return { order, keyOf };
}

/** A program that was started in a sandbox that may stay. */
export interface KeptLaunch extends Launched {
  /** Looks whether nothing of it is left, once it has ended; true when the sandbox stays. */
  settle(): boolean;
}

/** Starts a program in the sandbox that a nursery holds, or in a new one. It has begun when this resolves. */
export async function launchKept(leased: LeasedNursery, plan: KeptPlan, request: NurseryLaunch): Promise<KeptLaunch> {
  const { nursery, cgroup, hasNetwork } = leased;
  const warm = leased.warm ?? (await WarmSandbox.open({ nursery, cgroup, key: plan.keyOf(hasNetwork) }, plan.order(hasNetwork)));
  leased.adopt(warm);
  const { environment } = request.sandbox;
  const run = await warm.run({ command: request.command, environment, fileBlocks: Math.floor(request.limits.fileBytes / 512) });
  const output = Promise.all([request.takeOutput("stdout", run.stdout.read), request.takeOutput("stderr", run.stderr.read)]);
  return {
    leader: warm.leader,
    init: warm.init,
    ended: run.ended.then(endOf),
    output: output.then(() => undefined),
    dropOutput: () => {
      for (const pipe of [run.stdout, run.stderr]) pipe.read.destroy();
    },
    open: () => undefined,
    kill: () => nursery.kill(),
    settle: () => cgroup !== null && warm.settle(cgroup),
  };
}

function endOf(code: number | null): { readonly code: number | null; readonly signal: NodeJS.Signals | null } {
  return { code, signal: code === null ? "SIGKILL" : null };
}

/** Starts a program in a sandbox by a nursery, up to its gate: as `launchInSandbox` does, without a new process of ours. */
export async function launchInNursery(
  { machine, root }: { readonly machine: SandboxMachine; readonly root: RunRoot },
  nursery: Nursery,
  request: NurseryLaunch,
): Promise<Launched> {
  const folder = (await root.made())?.folder;
  const facts = { ...machine.facts, gate: machine.view.nurseryGate, ...(folder === undefined ? {} : { root: folder }) };
  const start = await nursery.start({
    owner: request.owner,
    networkNamespace: request.networkNamespace,
    fileBlocks: Math.floor(request.limits.fileBytes / 512),
    arguments: sandboxArguments(request.sandbox, facts, machine.seccompFile === null ? null : seccompDescriptor),
  });
  const complaint = { text: "" };
  const raw = rawOutput(start, { complaint, take: request.takeOutput });
  const ended = start.ended.then(endOf);
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
      dropOutput: () => {
        for (const pipe of [start.stdout, start.stderr]) pipe.destroy();
      },
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
