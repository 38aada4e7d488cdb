import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { identify, type ProcessId } from "../process/process-table.ts";
import { type ProcessTree, sandboxTree } from "../process/process-tree.ts";
import type { SiteOwner } from "../process/site-owner.ts";
import { StartLost } from "../run.ts";
import { roomOnBridge, saysFull } from "./bridge-room.ts";
import { type BoundFolder, mountsOf, nameServersFor, nanoCpus, resolverOptions, ulimitsOf, userOf } from "./container-plan.ts";
import { type ContainerEnd, ContainerWatch } from "./container-watch.ts";
import { isUnheard, statusOf } from "./engine.ts";
import type { EngineEvents } from "./engine-events.ts";
import type { ImageShells } from "./image-shells.ts";
import { declaredVolumes } from "./image-volumes.ts";
import { labels } from "./labels.ts";
import { removeContainer } from "./remove-container.ts";
import { inspectDisposable } from "./started-container.ts";

/** A container for one run, one shell or one command, which is removed when it has ended. */
export interface DisposableOrder {
  readonly installation: string;
  readonly kind: "run" | "enter" | "probe";
  /** Unlike that of every other start. */
  readonly start: string;
  readonly image: string;
  readonly command: readonly string[];
  /** `NAME=value` */
  readonly environment: readonly string[];
  readonly workFolder: string;
  readonly folders: readonly BoundFolder[];
  readonly owner: SiteOwner | null;
  readonly limits: { readonly cpu: number; readonly memoryBytes: number; readonly pids: number; readonly fileBytes: number | null };
  readonly hasEgress: boolean;
  readonly nameServers: readonly string[];
  readonly hasTerminal: boolean;
  readonly hasInput: boolean;
  /** The kernel's group to stand in, by its path; the engine's own place without. */
  readonly parentGroup?: string;
}

/** The whole container. Without a way out it has no network but its own loopback. `volumes`: folders that its image declares as such. @throws {Failure} `image_unusable` */
export function disposableSpec(order: DisposableOrder, volumes: readonly string[]): Docker.ContainerCreateOptions {
  const { limits, hasEgress, hasInput } = order;
  return {
    name: `backlot-${order.kind}-${order.start}`,
    Labels: { [labels.installation]: order.installation, [labels.kind]: order.kind, [labels.start]: order.start },
    Image: order.image,
    Entrypoint: [...order.command],
    Cmd: [],
    Env: [...order.environment],
    WorkingDir: order.workFolder,
    User: userOf(order.owner),
    Hostname: "site",
    Healthcheck: { Test: ["NONE"] },
    Tty: order.hasTerminal,
    OpenStdin: hasInput,
    StdinOnce: hasInput,
    AttachStdin: hasInput,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      Init: true,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      // A probe finds out what holds without.
      SecurityOpt: order.kind === "probe" ? [] : ["no-new-privileges"],
      Memory: limits.memoryBytes,
      // Memory and swap together: no swap.
      MemorySwap: limits.memoryBytes,
      NanoCpus: nanoCpus(limits.cpu),
      PidsLimit: limits.pids,
      Ulimits: ulimitsOf(limits.fileBytes),
      Mounts: mountsOf(order.folders, limits.memoryBytes, { image: order.image, volumes }) as Docker.MountSettings[],
      NetworkMode: hasEgress ? "bridge" : "none",
      ...(hasEgress ? { Dns: nameServersFor(true, order.nameServers), DnsSearch: ["."], DnsOptions: resolverOptions } : {}),
      // Whoever started it reads it; nobody reads it twice.
      LogConfig: { Type: "none", Config: {} },
      RestartPolicy: { Name: "no" },
      ...(order.parentGroup === undefined ? {} : { CgroupParent: order.parentGroup }),
    },
  };
}

/** A disposable container that runs. */
export interface Disposable {
  /** What goes in and what comes out, as the engine multiplexes it. */
  readonly streams: Duplex;
  readonly init: ProcessId | null;
  readonly tree: ProcessTree;
  readonly ended: Promise<ContainerEnd>;
  /** Of the bridge; null without one. */
  readonly ip: string | null;
  resize(size: { readonly cols: number; readonly rows: number }): Promise<void>;
  remove(): Promise<void>;
}

/** For a `catch` of what follows a start: takes that back. Whether it could be does not matter to whoever waits; it is tried on. */
export function undoing(undo: () => Promise<void>): (error: unknown) => Promise<never> {
  return async (error) => {
    await undo().catch(() => undefined);
    throw error;
  };
}

export interface DisposableContext {
  readonly docker: Docker;
  readonly events: Pick<EngineEvents, "listen" | "forget" | "isClosed">;
  readonly shells: Pick<ImageShells, "demand">;
  /** Put before a command to run it in the engine's network. */
  readonly inEngineNetwork: readonly string[];
  /** How long an engine that does not answer is waited for, unless it is as long as usual. */
  readonly patienceMs?: number;
}

/** Makes and starts one. @throws {Failure} `image_unusable`, `machine_full`; `StartLost` when it may have begun */
export async function startDisposable(context: DisposableContext, order: DisposableOrder): Promise<Disposable> {
  const { docker, events, shells, inEngineNetwork, patienceMs } = context;
  // One that may go out stands on the bridge beside sites' programs.
  if (order.hasEgress && (await roomOnBridge(docker, inEngineNetwork)) <= 0) throw new Failure("machine_full");
  const watch = new ContainerWatch(docker, order.start);
  events.listen(order.start, watch);
  let container: Docker.Container | null = null;
  const remove = async (): Promise<void> => {
    events.forget(order.start);
    if (container !== null) await removeContainer(container, { isClosed: () => events.isClosed, patienceMs });
  };
  try {
    const made = await docker.createContainer(disposableSpec(order, await declaredVolumes(docker, order.image)));
    container = made;
    await shells.demand(made, order.image);
    const attached = await made.attach({ stream: true, stdin: order.hasInput, stdout: true, stderr: true, hijack: true });
    await made.start().catch(lostUnlessRefused);
    const begun = { hasEnded: () => watch.hasEnded, hasNetwork: order.hasEgress, patienceMs };
    const found = await inspectDisposable(made, begun).catch(lost);
    const init = found === null ? null : watch.knowInit(found.pid);
    // Its end is told by now, unless it was removed or the engine went meanwhile.
    if (found === null) watch.onGap();
    return {
      // What is hijacked is a socket.
      streams: attached as Duplex,
      init,
      tree: init === null ? goneTree : sandboxTree(init),
      ended: watch.ended,
      ip: found?.ip ?? null,
      resize: async ({ cols, rows }) => {
        await made.resize({ w: cols, h: rows }).catch(() => undefined);
      },
      remove,
    };
  } catch (error) {
    return undoing(remove)(refusalOf(error, order.image));
  }
}

/** For a `catch` of what follows a start: it may have done all that it was made for. */
export function lost(error: unknown): never {
  throw new StartLost("Docker engine", error);
}

/** Only an engine that says no, or did not hear, has started nothing for sure. */
function lostUnlessRefused(error: unknown): never {
  if (statusOf(error) !== null || isUnheard(error)) throw error;
  return lost(error);
}

/** Of a program that had ended before anybody could look. */
export const goneTree: ProcessTree = {
  isGone: () => true,
  members: () => [],
  receivers: () => [],
  kill: () => undefined,
  listening: () => [],
  socketCount: () => "",
};

/** The processes of a container whose first one is this. */
export function treeOf(pid: number): ProcessTree {
  const init = pid === 0 ? null : identify(pid);
  return init === null ? goneTree : sandboxTree(init);
}

/** An engine's refusal in words, where the machine is full or it was the image's fault. */
export function refusalOf(error: unknown, image: string): unknown {
  if (!(error instanceof Error)) return error;
  const reason = "reason" in error && typeof error.reason === "string" ? error.reason : "";
  if (saysFull(`${error.message} ${reason}`)) return new Failure("machine_full", {}, { cause: error });
  const isImage = /no such image|No such image|OCI runtime|exec format error|executable file not found/.test(`${error.message} ${reason}`);
  return isImage ? new Failure("image_unusable", { image, reason: plainReason(error.message) }, { cause: error }) : error;
}

/** What an engine says of an image, without its own plumbing. */
export function plainReason(text: string): string {
  if (/no such image/i.test(text)) return "it is not on this machine.";
  if (/exec format error/.test(text)) return "it was made for another kind of processor.";
  const inner = /starting container process caused: (.*?)(?:: unknown)?$/.exec(text)?.[1] ?? text;
  return `${inner.slice(0, 300)}.`;
}
