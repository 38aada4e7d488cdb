// What somebody does by hand with the same engines: services and containers of the same image, and nothing of Backlot.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { z } from "zod";
import { visit } from "../../test/support/backlot-visit.ts";
import type { SwarmNode } from "../../test/support/swarm.ts";
import { plainImage } from "../../test/support/swarm-images.ts";
import { bareSpawnMs } from "./bare-spawn.ts";

const event = z.object({ Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }) });
const port = 8080;
const program = ["/bin/sh", "-c", `mkdir /tmp/www; echo "$TEXT" > /tmp/www/index.html; exec httpd -f -p ${port} -h /tmp/www`];
const patienceMs = 60_000;

/** A program in a container of its own, to be paused. */
export interface BareContainer {
  pause(): Promise<void>;
  /** Milliseconds from asking the engine to the first answer. */
  unpauseMs(): Promise<number>;
  remove(): Promise<void>;
}

/** Services and containers by hand, on the nodes of a swarm. */
export class BareSwarm {
  readonly #nodes: readonly SwarmNode[];
  readonly #docker: Docker;
  readonly #streams: readonly Readable[];
  readonly #waiting = new Map<string, (at: { readonly node: SwarmNode; readonly containerId: string }) => void>();

  private constructor(nodes: readonly SwarmNode[], docker: Docker, streams: readonly Readable[]) {
    this.#nodes = nodes;
    this.#docker = docker;
    this.#streams = streams;
  }

  static async open(nodes: readonly [SwarmNode, ...SwarmNode[]]): Promise<BareSwarm> {
    const filters = JSON.stringify({ type: ["container"], event: ["start"] });
    // Readables by what they are; the types of the library know the older interface only.
    const streams = (await Promise.all(nodes.map(({ docker }) => docker.getEvents({ filters })))) as Readable[];
    const swarm = new BareSwarm(nodes, nodes[0].docker, streams);
    for (const [index, stream] of streams.entries()) {
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => swarm.#hear(nodes[index] ?? nodes[0], chunk.toString()));
    }
    return swarm;
  }

  close(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  async make(name: string, replicas: number): Promise<void> {
    await this.#docker.createService(specOf(name, "one", replicas));
  }

  async remove(name: string): Promise<void> {
    await this.#docker.getService(name).remove();
  }

  /** Sets the number of replicas to none and waits until its container has gone. */
  async rest(name: string): Promise<void> {
    await this.#update(name, (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 0 } } }));
    const filters = JSON.stringify({ label: [`com.docker.swarm.service.name=${name}`] });
    await until(async () => (await Promise.all(this.#nodes.map(({ docker }) => docker.listContainers({ filters })))).flat().length === 0);
  }

  /** Milliseconds from asking for one replica to the first answer. */
  async scaleMs(name: string): Promise<number> {
    const started = this.whenStarted(name);
    const beganAt = performance.now();
    await this.#update(name, (spec) => ({ ...spec, Mode: { Replicated: { Replicas: 1 } } }));
    await answers(await started, "one");
    return performance.now() - beganAt;
  }

  /** Milliseconds from asking for another text to the first answer with it. */
  async updateMs(name: string, text: string): Promise<number> {
    const started = this.whenStarted(name);
    const beganAt = performance.now();
    await this.#update(name, () => specOf(name, text, 1));
    await answers(await started, text);
    return performance.now() - beganAt;
  }

  /** Where the next container of a service answers, once the engine has started it. */
  whenStarted(name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no container of ${name} was started`)), patienceMs);
      this.#waiting.set(name, ({ node, containerId }) => {
        clearTimeout(timer);
        this.#waiting.delete(name);
        node.docker
          .getContainer(containerId)
          .inspect()
          .then((found) => resolve(`http://${node.address}:${found.NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort ?? ""}`), reject);
      });
    });
  }

  async container(name: string): Promise<BareContainer> {
    const [{ docker, address } = this.#nodes[0] as SwarmNode] = this.#nodes;
    const made = await docker.createContainer({
      name,
      Image: plainImage,
      Cmd: program,
      Env: ["TEXT=one"],
      HostConfig: { Init: true, PortBindings: { [`${port}/tcp`]: [{ HostPort: "" }] } },
      ExposedPorts: { [`${port}/tcp`]: {} },
    });
    await made.start();
    const { NetworkSettings: network } = await made.inspect();
    const url = `http://${address}:${network.Ports[`${port}/tcp`]?.[0]?.HostPort ?? ""}`;
    await answers(url, "one");
    return {
      pause: async () => void (await made.pause()),
      unpauseMs: async () => {
        const beganAt = performance.now();
        await made.unpause();
        await answers(url, "one");
        return performance.now() - beganAt;
      },
      remove: async () => void (await made.remove({ force: true })),
    };
  }

  async #update(name: string, change: (spec: Docker.ServiceSpec) => Docker.ServiceSpec): Promise<void> {
    const service = this.#docker.getService(name);
    // The swarm itself writes to it just after it was made.
    await until(async () => {
      const { Version: version, Spec: spec } = await service.inspect();
      await service.update({ ...change(spec), version: version.Index });
      return true;
    });
  }

  #hear(node: SwarmNode, text: string): void {
    for (const line of text.split("\n").filter((part) => part.trim() !== "")) {
      const { Actor: actor } = event.parse(JSON.parse(line));
      this.#waiting.get(actor.Attributes["com.docker.swarm.service.name"] ?? "")?.({ node, containerId: actor.ID });
    }
  }
}

function specOf(name: string, text: string, replicas: number): Docker.CreateServiceOptions {
  const nanoseconds = 1_000_000;
  return {
    Name: name,
    TaskTemplate: {
      ContainerSpec: { Image: plainImage, Command: program, Env: [`TEXT=${text}`], Init: true, StopGracePeriod: 1_000 * nanoseconds },
      RestartPolicy: { Condition: "any", Delay: 100 * nanoseconds },
    },
    Mode: { Replicated: { Replicas: replicas } },
    UpdateConfig: { Parallelism: 1, Order: "start-first", Monitor: 500 * nanoseconds },
    EndpointSpec: { Mode: "dnsrr", Ports: [{ Protocol: "tcp", TargetPort: port, PublishMode: "host" }] },
  };
}

/** How long the program takes by itself, without any container, to its first answer: what no platform can take away. */
export async function plainBootMs(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-bench-boot-"));
  try {
    await writeFile(join(folder, "text"), "one");
    return await bareSpawnMs(["busybox", "sh", "-c", 'mkdir www; cp text www/index.html; exec busybox httpd -f -p "$HOST:$PORT" -h www'], folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Resolves at the first answer with this text. */
export async function answers(url: string, text: string): Promise<void> {
  await until(async () => (await visit(url, { host: "bare", path: "/" })).text === `${text}\n`);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error("it did not come to be so");
    await delay(2);
  }
}
