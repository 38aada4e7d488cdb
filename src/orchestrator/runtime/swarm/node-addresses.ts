import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import type { Log } from "#kit/log.ts";
import type { SwarmManagers } from "./swarm-managers.ts";

/** A manager that says nothing for so long is asked anew: it may be another one that would have something to say. */
const listenMs = 20_000;
const retryMs = 2_000;

/** What the engine says of a node, and its types do not. */
interface FoundNode {
  readonly Status?: { readonly Addr?: string };
  readonly ManagerStatus?: { readonly Addr?: string };
}

/** The addresses of a swarm's nodes, also of those that join it later. */
export class NodeAddresses {
  readonly #managers: SwarmManagers;
  readonly #log: Log;
  readonly #ending = new AbortController();
  #addresses: readonly string[] = [];
  #onChange: () => void = () => undefined;

  private constructor(managers: SwarmManagers, log: Log) {
    this.#managers = managers;
    this.#log = log;
  }

  /** A swarm that elects a leader is waited for. @throws in words where no engine manages it. */
  static async open(managers: SwarmManagers, log: Log): Promise<NodeAddresses> {
    const nodes = new NodeAddresses(managers, log);
    await managers.ask(async (docker) => {
      const { Swarm: managing } = await docker.info();
      if (managing?.ControlAvailable !== true) throw new Error("the Docker engine is no manager of its swarm: name one in BACKLOT_SWARM_MANAGER");
      await nodes.#look(docker);
    });
    void nodes.#follow();
    return nodes;
  }

  get all(): readonly string[] {
    return this.#addresses;
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  close(): void {
    this.#ending.abort();
  }

  async #look(docker: Docker): Promise<void> {
    const addresses = addressesOf(await docker.listNodes());
    if (addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    this.#onChange();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#managers.once((docker) => this.#listen(docker));
      } catch (err) {
        if (signal.aborted) return;
        this.#log.debug({ err }, "the nodes of the swarm could not be listened for");
        await delay(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #listen(docker: Docker): Promise<void> {
    // A Readable by what it is; the types of the library know the older interface only.
    const stream = (await docker.getEvents({ filters: JSON.stringify({ type: ["node"] }) })) as Readable;
    const end = (): void => void stream.destroy();
    let isOver = false;
    const { signal } = this.#ending;
    const timer = setTimeout(() => {
      isOver = true;
      end();
    }, listenMs).unref();
    signal.addEventListener("abort", end, { once: true });
    try {
      // What happened before we listened is in the list.
      await this.#look(docker);
      for await (const _event of stream) await this.#look(docker);
    } catch (error) {
      if (!signal.aborted && !isOver) throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      end();
    }
  }
}

/** A leader may know itself by its place among the managers alone. */
export function addressesOf(nodes: readonly FoundNode[]): readonly string[] {
  const found = nodes.flatMap(({ Status: status, ManagerStatus: manager }) => [status?.Addr ?? "", (manager?.Addr ?? "").replace(/:\d+$/, "")]);
  return [...new Set(found.filter((address) => /^\d+(\.\d+){3}$/.test(address) && address !== "0.0.0.0"))].toSorted();
}
