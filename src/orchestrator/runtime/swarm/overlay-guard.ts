import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import { KeptRules } from "../process/kept-rules.ts";
import { findProgram } from "../process/machine-programs.ts";
import { labels } from "./labels.ts";
import { namespaceAmong, overlayRules, overlayTable, proxiesCommand } from "./overlay-plan.ts";

/** What keeps sites on an overlay network apart needs. */
export interface OverlayGuardOptions {
  readonly docker: Docker;
  readonly installation: string;
  /** The name of an attachable overlay. */
  readonly network: string;
  /** Has a shell. */
  readonly image: string;
  readonly log: Log;
}

const networkFacts = z.object({
  Id: z.string(),
  Driver: z.string(),
  Containers: z.record(z.string(), z.object({ IPv4Address: z.string() })).nullish(),
});
const anchorKind = "anchor";
const retryMs = 500;
const comesUpMs = 20_000;

interface Anchor {
  readonly container: Docker.Container;
  readonly networkId: string;
  /** Of the network, on this node. */
  readonly namespace: string;
}

/** An anchor, and what is set beside it. */
interface Guarded extends Anchor {
  readonly rules: KeptRules;
}

/**
 * Keeps sites on an overlay network from each other, on this node. The network has a namespace here only as long as somebody of this node is on it: a
 * container of ours, the anchor, is there before any site, so that the rules are, too.
 */
export class OverlayGuard {
  readonly #options: OverlayGuardOptions;
  readonly #ending = new AbortController();
  #anchor: Guarded | null = null;
  /** Of this node. */
  #proxies: readonly string[] = [];
  #ensuring: Promise<string> | null = null;
  #following: Promise<void> | null = null;

  constructor(options: OverlayGuardOptions) {
    this.#options = options;
  }

  /** Resolves with the network's id when sites that come onto it are kept apart. @throws {Failure} `isolation_missing` when they would not be. */
  ensure(): Promise<string> {
    this.#ensuring ??= this.#tried()
      .catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Failure("isolation_missing", { missing: [`Sites on the network ${this.#options.network} cannot be kept apart: ${why}`] }, { cause });
      })
      .finally(() => {
        this.#ensuring = null;
      });
    return this.#ensuring;
  }

  /** Why rules do not hold now that have held before, in a sentence; null when they hold. At once. */
  trouble(): string | null {
    const said = this.#anchor?.rules.lately() ?? null;
    // The engine may have ended the anchor, and its namespace with it.
    if (said !== null) void this.ensure().catch(() => undefined);
    return said === null ? null : `Sites on the network ${this.#options.network} cannot be kept apart: nft says ${said}`;
  }

  /** Leaves the network. Sites that are still on it keep it, with its rules. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#ensuring?.catch(() => undefined);
    await this.#following;
    await this.#anchor?.rules.close();
    await this.#anchor?.container.remove({ force: true, v: true }).catch(() => undefined);
  }

  // An engine that has just come up does not know the swarm's networks yet.
  async #tried(): Promise<string> {
    for (const deadline = performance.now() + comesUpMs; ; ) {
      try {
        return await this.#ensure();
      } catch (error) {
        const mayCome = error instanceof Error && /network \S+ not found|not connected to|no such container/i.test(error.message) && this.#anchor !== null;
        if (!mayCome || performance.now() > deadline) throw error;
        await delay(retryMs);
      }
    }
  }

  async #ensure(): Promise<string> {
    const known = this.#anchor;
    const isThere = known !== null && (await known.container.inspect().catch(() => null))?.State.Running === true;
    if (isThere) {
      const said = await known.rules.trouble();
      if (said !== null) throw new Error(`nft says ${said}`);
      return known.networkId;
    }
    // Its namespace goes with it, which nobody else is to hold.
    await known?.rules.close();
    const anchor = await this.#makeAnchor();
    this.#proxies = [];
    let rules: KeptRules | null = null;
    try {
      rules = await this.#setRules(anchor);
      await this.#look({ ...anchor, rules });
      this.#anchor = { ...anchor, rules };
    } catch (error) {
      await rules?.close();
      await anchor.container.remove({ force: true, v: true }).catch(() => undefined);
      throw error;
    }
    this.#following ??= this.#follow();
    await this.#removeOthers(anchor.container.id);
    return anchor.networkId;
  }

  #setRules({ namespace }: Anchor): Promise<KeptRules> {
    const { installation, log } = this.#options;
    const nsenter = findProgram("nsenter");
    if (nsenter === null) throw new Error("nsenter is not installed");
    return KeptRules.open({
      inNetwork: [nsenter, `--net=${namespace}`],
      tables: [{ name: `bridge ${overlayTable(installation)}`, sets: [] }],
      rules: () => `${overlayRules(installation)}${proxiesCommand(installation, this.#proxies)}`,
      log,
    });
  }

  async #makeAnchor(): Promise<Anchor> {
    const { docker, installation, network, image } = this.#options;
    const container = await docker.createContainer({
      Image: image,
      Cmd: ["/bin/sh", "-c", "read -r _"],
      OpenStdin: true,
      User: "65534:65534",
      Labels: { [labels.installation]: installation, [labels.kind]: anchorKind },
      HostConfig: {
        NetworkMode: network,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        ReadonlyRootfs: true,
        PidsLimit: 8,
        Memory: 16_000_000,
        LogConfig: { Type: "none", Config: {} },
        RestartPolicy: { Name: "no" },
      },
    });
    try {
      await container.start();
      const { Id: networkId, Driver: driver } = networkFacts.parse(await docker.getNetwork(network).inspect());
      if (driver !== "overlay") throw new Error("it is no overlay network");
      const { NetworkSettings: settings } = await container.inspect();
      return { container, networkId, namespace: findNamespace(settings.SandboxKey, networkId) };
    } catch (error) {
      await container.remove({ force: true, v: true }).catch(() => undefined);
      throw error;
    }
  }

  /** Who is on this node and not one of ours is a proxy. */
  async #look(anchor: Guarded | null): Promise<void> {
    if (anchor === null) return;
    const { docker, network, installation } = this.#options;
    const [{ Containers: containers }, ours] = await Promise.all([
      docker
        .getNetwork(network)
        .inspect()
        .then((found) => networkFacts.parse(found)),
      docker.listContainers({ all: true, filters: JSON.stringify({ label: [labels.installation] }) }),
    ]);
    const own = new Set(ours.map(({ Id: id }) => id));
    // The engine's own endpoint for virtual addresses is called lb-NETWORK.
    const proxies = Object.entries(containers ?? {}).filter(([id]) => /^[0-9a-f]{64}$/.test(id) && !own.has(id));
    this.#proxies = proxies.map(([, { IPv4Address: address }]) => address.split("/")[0] ?? "").filter((address) => z.ipv4().safeParse(address).success);
    const said = await anchor.rules.change(proxiesCommand(installation, this.#proxies));
    if (said !== null) throw new Error(`nft says ${said}`);
  }

  async #follow(): Promise<void> {
    const { docker, log } = this.#options;
    const { signal } = this.#ending;
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      try {
        // An engine that was away has ended the anchor.
        if (!isFirst) await this.ensure();
        const filters = JSON.stringify({ type: ["network"], event: ["connect", "disconnect"] });
        // A Readable by what it is; the types of the library know the older interface only.
        const stream = (await docker.getEvents({ filters })) as Readable;
        const end = (): void => void stream.destroy();
        signal.addEventListener("abort", end, { once: true });
        await this.#look(this.#anchor);
        for await (const _event of stream) await this.#look(this.#anchor);
      } catch (err) {
        if (!signal.aborted) log.debug({ err }, "the network of proxies could not be looked at");
      }
      await delay(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #removeOthers(ownId: string): Promise<void> {
    const { docker, installation } = this.#options;
    const filters = JSON.stringify({ label: [`${labels.installation}=${installation}`, `${labels.kind}=${anchorKind}`] });
    for (const { Id: id } of await docker.listContainers({ all: true, filters })) {
      if (id !== ownId)
        await docker
          .getContainer(id)
          .remove({ force: true, v: true })
          .catch(() => undefined);
    }
  }
}

/** Beside the container's own, which the engine names. Through the machine's first process, too: an orchestrator in a container has mounts of its own. */
function findNamespace(sandbox: string, networkId: string): string {
  for (const root of ["", "/proc/1/root"]) {
    const folder = `${root}${dirname(sandbox)}`;
    const found = existsSync(folder) ? namespaceAmong(readdirSync(folder), networkId) : null;
    if (found !== null) return join(folder, found);
  }
  throw new Error("its namespace on this machine cannot be seen: run the orchestrator on the engine's own machine, or with `pid: host`");
}
