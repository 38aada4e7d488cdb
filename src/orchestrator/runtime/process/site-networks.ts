import { spawn } from "node:child_process";
import { closeSync, openSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "#contract/failure.ts";
import type { Clock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import { type AddressBlock, claimAddressBlock } from "./address-block.ts";
import { AddressSlots } from "./address-slots.ts";
import { addressPair, blockSlots, firewallRules, firewallTable, hostLinkCommands, interfaceName, isLinkOf, siteLinkCommands } from "./network-plan.ts";
import { mustRun, runCommand } from "./run-command.ts";

/** A network namespace with an address, for one program. */
export interface SiteNetwork {
  readonly host: string;
  /** Path of the namespace, for a launcher of the same user. */
  readonly namespace: string;
  /** Lets the namespace go; its address rests before it is used again. */
  release(): void;
}

export interface SiteNetworksOptions {
  readonly installation: string;
  readonly programs: { readonly ip: string; readonly nft: string; readonly unshare: string };
  readonly quarantineMs: number;
  /** How many prepared ones wait for a start. */
  readonly warm: number;
  readonly clock: Clock;
  readonly log: Log;
}

const largestBatch = 32;
const refillAfterMs = 100;

/** Makes network namespaces ahead of time, several at once, so that a start finds one ready. */
export class SiteNetworks {
  readonly #options: SiteNetworksOptions;
  readonly #block: AddressBlock;
  readonly #slots: AddressSlots;
  readonly #ready: SiteNetwork[] = [];
  readonly #waiting: { readonly resolve: (network: SiteNetwork) => void; readonly reject: (error: unknown) => void }[] = [];
  #filling: Promise<void> | null = null;
  #refill: NodeJS.Timeout | null = null;
  #isClosed = false;

  private constructor(options: SiteNetworksOptions, block: AddressBlock) {
    this.#options = options;
    this.#block = block;
    this.#slots = new AddressSlots({ slots: blockSlots, quarantineMs: options.quarantineMs, clock: options.clock });
  }

  /** Claims addresses and closes the machine to the sites; throws when this machine cannot do it. */
  static async open(options: SiteNetworksOptions): Promise<SiteNetworks> {
    const block = await claimAddressBlock(options.programs.ip, options.installation);
    if (block === null) throw new Error("no free addresses in 10.77.0.0/16: other Backlots or networks of this machine use them all");
    try {
      await removeLeftLinks(options);
      await mustRun([options.programs.nft, "-f", "-"], { input: firewallRules(options.installation, block.block) });
      const networks = new SiteNetworks(options, block);
      // The first ones also prove that the machine can make them.
      networks.#ready.push(...(await networks.#make(options.warm)));
      return networks;
    } catch (error) {
      block.release();
      throw error;
    }
  }

  lease(): Promise<SiteNetwork> {
    if (this.#isClosed) return Promise.reject(new Failure("machine_full"));
    const network = this.#ready.shift();
    const result = network === undefined ? new Promise<SiteNetwork>((resolve, reject) => this.#waiting.push({ resolve, reject })) : Promise.resolve(network);
    if (network === undefined) this.#fill();
    else this.#fillLater();
    return result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#refill !== null) clearTimeout(this.#refill);
    await this.#filling;
    for (const network of this.#ready.splice(0)) network.release();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new Failure("machine_full"));
    const { nft } = this.#options.programs;
    const removed = await runCommand([nft, "delete", "table", "inet", firewallTable(this.#options.installation)]);
    if (removed.code !== 0) this.#options.log.warn({ reason: removed.stderr.trim() }, "firewall table stays");
    this.#block.release();
  }

  // Making them costs a few milliseconds that the start which just took one needs for itself.
  #fillLater(): void {
    this.#refill ??= setTimeout(() => {
      this.#refill = null;
      this.#fill();
    }, refillAfterMs).unref();
  }

  #fill(): void {
    if (this.#filling !== null || this.#isClosed) return;
    const missing = this.#waiting.length + this.#options.warm - this.#ready.length;
    if (missing <= 0) return;
    this.#filling = this.#make(Math.min(missing, largestBatch))
      .then(
        (made) => this.#handOut(made),
        (error: unknown) => {
          this.#options.log.error({ err: error }, "site networks not made");
          for (const waiter of this.#waiting.splice(0)) waiter.reject(new Failure("machine_full", {}, { cause: error }));
        },
      )
      .then(() => {
        this.#filling = null;
        if (this.#waiting.length > 0) this.#fill();
      });
  }

  #handOut(made: readonly SiteNetwork[]): void {
    this.#ready.push(...made);
    while (this.#waiting.length > 0) {
      const network = this.#ready.shift();
      if (network === undefined) break;
      this.#waiting.shift()?.resolve(network);
    }
    // No address was left for anybody: those who wait cannot wait for a minute.
    if (made.length === 0) for (const waiter of this.#waiting.splice(0)) waiter.reject(new Failure("machine_full"));
  }

  async #make(count: number): Promise<readonly SiteNetwork[]> {
    const slots: number[] = [];
    for (let slot = this.#take(count, slots); slot !== null; slot = this.#take(count, slots)) slots.push(slot);
    if (slots.length === 0) return [];
    const holders = slots.map((slot) => new NamespaceHolder(slot, this.#options.programs));
    try {
      await Promise.all(holders.map((holder) => holder.entered()));
      const plans = holders.map((holder) => ({
        name: interfaceName(this.#options.installation, holder.slot),
        pair: addressPair(this.#block.block, holder.slot),
        holderPid: holder.pid,
      }));
      await mustRun([this.#options.programs.ip, "-batch", "-"], { input: hostLinkCommands(plans) });
      await Promise.all(holders.map((holder) => holder.finish(siteLinkCommands(addressPair(this.#block.block, holder.slot)))));
    } catch (error) {
      for (const holder of holders) holder.abandon();
      for (const slot of slots) this.#slots.release(slot);
      throw error;
    }
    return holders.map((holder) => this.#networkOf(holder));
  }

  #take(count: number, taken: readonly number[]): number | null {
    return taken.length < count ? this.#slots.take() : null;
  }

  #networkOf(holder: NamespaceHolder): SiteNetwork {
    let isReleased = false;
    return {
      host: addressPair(this.#block.block, holder.slot).site,
      namespace: holder.path,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        holder.close();
        this.#slots.release(holder.slot);
      },
    };
  }
}

/**
 * Makes a namespace by a short-lived `ip -batch` that waits inside it for its commands. Our descriptor keeps the namespace
 * after that: nothing has a name on the machine, so nothing of it can outlive this process and the sandboxes in it.
 */
class NamespaceHolder {
  readonly slot: number;
  readonly #child;
  readonly #ended: Promise<number | null>;
  #descriptor: number | null = null;

  constructor(slot: number, programs: { readonly unshare: string; readonly ip: string }) {
    this.slot = slot;
    this.#child = spawn(programs.unshare, ["--net", "--", programs.ip, "-batch", "-"], { env: {}, stdio: ["pipe", "ignore", "ignore"] });
    this.#child.stdin.on("error", () => this.#child.kill("SIGKILL"));
    this.#ended = new Promise((resolve) => this.#child.once("error", () => resolve(null)).once("exit", resolve));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get path(): string {
    return `/proc/${process.pid}/fd/${this.#descriptor}`;
  }

  async entered(): Promise<void> {
    const ours = readlinkSync("/proc/self/ns/net");
    const deadline = performance.now() + 5000;
    while (this.#child.exitCode === null && this.#child.signalCode === null && performance.now() < deadline) {
      if (this.pid !== 0 && readlinkSync(`/proc/${this.pid}/ns/net`) !== ours) {
        this.#descriptor = openSync(`/proc/${this.pid}/ns/net`, "r");
        return;
      }
      await delay(1);
    }
    throw new Error("unshare --net did not make a network namespace");
  }

  async finish(commands: string): Promise<void> {
    this.#child.stdin.end(commands);
    const code = await this.#ended;
    if (code !== 0) throw new Error(`ip -batch inside a network namespace ended with ${code}`);
  }

  abandon(): void {
    this.#child.kill("SIGKILL");
    this.close();
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }
}

/** Ends of pairs whose namespace has not gone yet, of an orchestrator of this installation that has died. */
async function removeLeftLinks(options: SiteNetworksOptions): Promise<void> {
  const links: unknown = JSON.parse((await mustRun([options.programs.ip, "-json", "link", "show"])) || "[]");
  const names = Array.isArray(links) ? links.map((link: { readonly ifname?: unknown }) => String(link.ifname)) : [];
  const ours = names.filter((name) => isLinkOf(options.installation, name));
  // -force: one that goes by itself meanwhile is no failure.
  if (ours.length > 0) await runCommand([options.programs.ip, "-force", "-batch", "-"], { input: ours.map((name) => `link delete ${name}\n`).join("") });
}
