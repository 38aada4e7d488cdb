import { writeFile } from "node:fs/promises";
import { Failure } from "#contract/failure.ts";
import type { SteadyClock } from "#kit/clock.ts";
import type { Log } from "#kit/log.ts";
import type { RuntimeCapabilities } from "../site-runtime.ts";
import { type AddressBlock, claimAddressBlock, readFormerBlock } from "./address-block.ts";
import { AddressSlots } from "./address-slots.ts";
import { type FirewallPlan, firewallRules, firewallTable } from "./firewall-rules.ts";
import { KeptRules } from "./kept-rules.ts";
import { makeAll } from "./make-all.ts";
import { NamespaceHolder } from "./namespace-holder.ts";
import { addressPair, blockSlots, hostLinkCommands, interfaceName, isLinkOf, siteLinkCommands } from "./network-plan.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { egressObstacle, SiteEgress } from "./site-egress.ts";

/** A network namespace with an address, for one program. */
export interface SiteNetwork {
  readonly host: string;
  /** Path of the namespace, for a launcher of the same user. */
  readonly namespace: string;
  /** It was let out into the internet. */
  readonly hasEgress: boolean;
  /** Lets the namespace go; its address rests before it is used again. */
  release(): void;
}

export interface SiteNetworksOptions {
  readonly installation: string;
  readonly programs: { readonly ip: string; readonly nft: string; readonly unshare: string; readonly nsenter: string };
  /** Where the block of addresses is written down, for the next start. */
  readonly blockFile: string;
  /** Where the sites' private `/etc` files stand. */
  readonly etcFolder: string;
  /** Networks that are closed to sites besides the private ones. */
  readonly closedNetworks: readonly string[];
  readonly resolverFiles: readonly string[];
  readonly quarantineMs: number;
  /** How many prepared ones wait for a start. */
  readonly warm: number;
  readonly clock: SteadyClock;
  readonly log: Log;
}

const largestBatch = 32;
const refillAfterMs = 100;

/** Makes network namespaces ahead of time, several at once, so that a start finds one ready. */
export class SiteNetworks {
  readonly #options: SiteNetworksOptions;
  readonly #block: AddressBlock;
  readonly #slots: AddressSlots;
  readonly #egress: SiteEgress | null;
  readonly #rules: KeptRules;
  /** Whether sites can be let out into the internet, and what stands in the way or will. */
  readonly egress: RuntimeCapabilities["egress"];
  readonly #ready: NamespaceHolder[] = [];
  readonly #waiting: { readonly resolve: (network: NamespaceHolder) => void; readonly reject: (error: unknown) => void }[] = [];
  #filling: Promise<void> | null = null;
  #refill: NodeJS.Timeout | null = null;
  #isClosed = false;

  private constructor(options: SiteNetworksOptions, block: AddressBlock, found: FoundEgress) {
    this.#options = options;
    this.#block = block;
    this.#egress = found.egress;
    this.#rules = found.rules;
    this.egress = { isAvailable: found.egress !== null, notes: found.notes };
    this.#slots = new AddressSlots({ slots: blockSlots, quarantineMs: options.quarantineMs, clock: options.clock });
  }

  /** Claims addresses and closes the machine to the sites; throws when this machine cannot do it. */
  static async open(options: SiteNetworksOptions): Promise<SiteNetworks> {
    const former = readFormerBlock(options.blockFile);
    const block = await claimAddressBlock(options.programs.ip, { installation: options.installation, before: former });
    if (block === null) throw new Error("no free addresses in 10.77.0.0/16: other Backlots or networks of this machine use them all");
    try {
      await removeLeftLinks(options);
      const networks = new SiteNetworks(options, block, await closeMachine(options, { block: block.block, former }));
      await writeFile(options.blockFile, String(block.block));
      // The first ones also prove that the machine can make them.
      networks.#ready.push(...(await networks.#make(options.warm)));
      return networks;
    } catch (error) {
      block.release();
      throw error;
    }
  }

  /** A network for one program. One that should be let out where nothing can be has no egress, and says so. */
  async lease(wish: { readonly hasEgress: boolean }): Promise<SiteNetwork> {
    const holder = await this.#take();
    const egress = wish.hasEgress ? this.#egress : null;
    const network = this.#networkOf(holder, egress);
    try {
      await egress?.letOut({ ...this.#linkOf(holder), host: addressPair(this.#block.block, holder.slot).host, namespace: holder.path });
      return network;
    } catch (error) {
      network.release();
      throw error;
    }
  }

  #take(): Promise<NamespaceHolder> {
    if (this.#isClosed) return Promise.reject(new Failure("machine_full"));
    const holder = this.#ready.shift();
    const result = holder === undefined ? new Promise<NamespaceHolder>((resolve, reject) => this.#waiting.push({ resolve, reject })) : Promise.resolve(holder);
    if (holder === undefined) this.#fill();
    else this.#fillLater();
    return result;
  }

  /** Why sites are not kept apart now, in a sentence; null when they are. At once, unless something may have happened to the rules. */
  async trouble(): Promise<string | null> {
    return inWords(await this.#rules.trouble());
  }

  /** The same as far as it is known, for whoever has to answer soon. */
  lately(): string | null {
    return inWords(this.#rules.lately());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#refill !== null) clearTimeout(this.#refill);
    await this.#filling;
    for (const holder of this.#ready.splice(0)) this.#discard(holder);
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new Failure("machine_full"));
    await this.#egress?.close();
    await this.#rules.close();
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

  #handOut(made: readonly NamespaceHolder[]): void {
    this.#ready.push(...made);
    while (this.#waiting.length > 0) {
      const holder = this.#ready.shift();
      if (holder === undefined) break;
      this.#waiting.shift()?.resolve(holder);
    }
    // No address was left for anybody: those who wait cannot wait for a minute.
    if (made.length === 0) for (const waiter of this.#waiting.splice(0)) waiter.reject(new Failure("machine_full"));
  }

  async #make(count: number): Promise<readonly NamespaceHolder[]> {
    const slots: number[] = [];
    for (let slot = this.#slots.take(); slot !== null; slot = slots.length < count ? this.#slots.take() : null) slots.push(slot);
    if (slots.length === 0) return [];
    let holders: readonly NamespaceHolder[] = [];
    try {
      holders = makeAll(slots, { make: (slot) => new NamespaceHolder(slot, this.#options.programs), giveUp: (holder) => holder.abandon() });
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
    return holders;
  }

  #networkOf(holder: NamespaceHolder, egress: SiteEgress | null): SiteNetwork {
    let isReleased = false;
    return {
      host: this.#linkOf(holder).site,
      namespace: holder.path,
      hasEgress: egress !== null,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (egress === null) this.#discard(holder);
        // The address rests only once nothing is let out under it any more.
        else void egress.takeBack(this.#linkOf(holder)).then(() => this.#discard(holder));
      },
    };
  }

  #discard(holder: NamespaceHolder): void {
    holder.close();
    this.#slots.release(holder.slot);
  }

  #linkOf(holder: NamespaceHolder): { readonly name: string; readonly site: string } {
    return { name: interfaceName(this.#options.installation, holder.slot), site: addressPair(this.#block.block, holder.slot).site };
  }
}

interface FoundEgress {
  readonly rules: KeptRules;
  readonly egress: SiteEgress | null;
  readonly notes: readonly string[];
}

function inWords(said: string | null): string | null {
  return said === null ? null : `Sites cannot be kept apart: nft says ${said}`;
}

/** Closes the machine to the sites, with doors for those that are let out where this kernel can have them. */
async function closeMachine(options: SiteNetworksOptions, blocks: Pick<FirewallPlan, "block" | "former">): Promise<FoundEgress> {
  const { installation, log } = options;
  const name = `inet ${firewallTable(installation)}`;
  const keep = (closed: readonly string[] | null, more: () => string): Promise<KeptRules> => {
    const rules = (): string => `${firewallRules({ installation, ...blocks, closed })}${more()}`;
    return KeptRules.open({ inNetwork: [], tables: [{ name, sets: closed === null ? [] : ["closed"] }], rules, log });
  };
  const obstacle = egressObstacle();
  let egress: SiteEgress | null = null;
  const open = obstacle === null ? await keep(options.closedNetworks, () => egress?.commands() ?? "").catch((error: unknown) => error) : null;
  if (open instanceof KeptRules) {
    egress = new SiteEgress(options, (commands) => open.change(commands));
    return { rules: open, egress, notes: await egress.notes() };
  }
  const rules = await keep(null, () => "");
  const reason = obstacle ?? `The kernel refused the rules for it (${open instanceof Error ? (open.message.split("\n")[0] ?? "") : ""}).`;
  return { rules, egress: null, notes: [reason] };
}

/** Ends of pairs whose namespace has not gone yet, of an orchestrator of this installation that has died. */
async function removeLeftLinks(options: SiteNetworksOptions): Promise<void> {
  const links: unknown = JSON.parse((await mustRun([options.programs.ip, "-json", "link", "show"])) || "[]");
  const names = Array.isArray(links) ? links.map((link: { readonly ifname?: unknown }) => String(link.ifname)) : [];
  const ours = names.filter((name) => isLinkOf(options.installation, name));
  // -force: one that goes by itself meanwhile is no failure.
  if (ours.length > 0) await runCommand([options.programs.ip, "-force", "-batch", "-"], { input: ours.map((name) => `link delete ${name}\n`).join("") });
}
