import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import { KeptRules, type KeptTable } from "../process/kept-rules.ts";
import { egressCommand, type FirewallPlan, firewallRules, firewallTable, neighbourRules } from "./firewall-plan.ts";
import { NodeAddresses } from "./node-addresses.ts";
import type { SwarmManagers } from "./swarm-managers.ts";

/** The engine's own, which sites' containers are on. */
const bridge = "docker0";

/** What keeps sites of a node apart needs to know. */
interface BridgeFirewallOptions {
  readonly installation: string;
  readonly routers: readonly string[];
  readonly closedNetworks: readonly string[];
  /** Put before `nft`: a way into the network namespace of the engine, where that is not ours. */
  readonly inEngineNetwork: readonly string[];
  readonly log: Log;
}

/** Where containers of a node are kept apart, and let out. */
export class BridgeFirewall {
  readonly #options: BridgeFirewallOptions;
  readonly #nodes: NodeAddresses;
  readonly #nameServers: readonly string[];
  readonly #out = new Set<string>();
  /** Networks whose containers our own rules keep from each other on the bridge itself; none where the kernel takes no such rules. */
  #parted: readonly string[] = [];
  #rules: KeptRules | null = null;
  /** Why they have never held, or would not be enough, in words. */
  #refusals: readonly string[] = [];

  private constructor(options: BridgeFirewallOptions, given: { readonly nodes: NodeAddresses; readonly nameServers: readonly string[] }) {
    this.#options = options;
    this.#nodes = given.nodes;
    this.#nameServers = given.nameServers;
  }

  static async open(
    options: BridgeFirewallOptions,
    given: { readonly managers: SwarmManagers; readonly docker: Docker; readonly nameServers: readonly string[] },
  ) {
    const nodes = await NodeAddresses.open(given.managers, options.log);
    const firewall = new BridgeFirewall(options, { nodes, nameServers: given.nameServers });
    await firewall.#begin(given.docker);
    nodes.onChange(() => void firewall.#rules?.renew());
    return firewall;
  }

  /** What sites' containers are not kept apart for, in sentences; none where they are. */
  async missing(): Promise<readonly string[]> {
    const said = (await this.#rules?.trouble()) ?? null;
    return [...this.#refusals, ...(said === null ? [] : [inWords(said)])];
  }

  /** Why rules do not hold now that have held before, in a sentence; null when they hold, or never have. At once. */
  trouble(): string | null {
    const said = this.#rules?.lately() ?? null;
    return said === null ? null : inWords(said);
  }

  /** Lets the container at an address out; what it gives takes that back. @throws {Failure} `isolation_missing` while the rules cannot be set */
  async letOut(ip: string): Promise<() => Promise<void>> {
    const rules = this.#rules;
    if (rules === null) return async () => undefined;
    const { installation } = this.#options;
    this.#out.add(ip);
    const said = await rules.change(egressCommand(installation, "add", ip));
    // Setting all of them anew lets it out as well.
    const missing = said === null ? [] : await this.missing();
    if (missing.length > 0) {
      this.#out.delete(ip);
      throw new Failure("isolation_missing", { missing: [...missing] });
    }
    return async () => {
      this.#out.delete(ip);
      await rules.change(egressCommand(installation, "delete", ip));
    };
  }

  /** The rules stay, for what runs on. */
  async close(): Promise<void> {
    this.#nodes.close();
    await this.#rules?.close();
  }

  async #begin(docker: Docker): Promise<void> {
    const { subnets, isClosed, hasIpv6 } = await lookAtBridge(docker);
    if (hasIpv6) this.#refusals = [ipv6Words];
    try {
      this.#parted = subnets;
      this.#rules = await this.#set();
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      // A kernel without rules of the family `bridge` can do it where it asks the others about neighbours, or the engine parts them itself.
      this.#parted = [];
      this.#rules = await this.#set().catch(() => null);
      if (this.#rules === null) this.#refusals = [...this.#refusals, inWords(said)];
      else if (!isClosed)
        this.#refusals = [...this.#refusals, `${inWords(said)}. Neighbours on the engine's bridge meet without: start dockerd with --icc=false.`];
    }
  }

  #set(): Promise<KeptRules> {
    const { installation, inEngineNetwork, log } = this.#options;
    const table = firewallTable(installation);
    const tables: readonly KeptTable[] = [
      { name: `inet ${table}`, sets: ["closed"] },
      ...(this.#parted.length > 0 ? [{ name: `bridge ${table}`, sets: [] }] : []),
    ];
    return KeptRules.open({ inNetwork: inEngineNetwork, tables, rules: () => this.#text(), log });
  }

  #text(): string {
    const { installation, routers, closedNetworks } = this.#options;
    const closed = [...closedNetworks, ...this.#nodes.all];
    const plan: FirewallPlan = { installation, bridge, routers, closed, nameServers: this.#nameServers, out: [...this.#out] };
    return [firewallRules(plan), ...(this.#parted.length > 0 ? [neighbourRules(installation, this.#parted)] : [])].join("");
  }
}

function inWords(said: string): string {
  return `Sites' containers cannot be kept apart: nft says ${said}`;
}

const ipv6Words =
  "Sites' containers cannot be kept apart: the engine's bridge has IPv6, which the rules between neighbours do not cover. Start dockerd without --ipv6 (\"ipv6\": false), and then the orchestrator again.";

interface FoundBridge {
  readonly EnableIPv6?: boolean;
  readonly Options?: Readonly<Record<string, string>>;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] };
}

interface SeenBridge {
  /** Of IPv4. */
  readonly subnets: readonly string[];
  /** Neighbours on it do not meet by IPv4 even without rules of ours on the bridge itself. */
  readonly isClosed: boolean;
  readonly hasIpv6: boolean;
}

async function lookAtBridge(docker: Docker): Promise<SeenBridge> {
  // The types of the library leave these open.
  const [found, info] = (await Promise.all([docker.getNetwork("bridge").inspect(), docker.info()])) as [FoundBridge, { readonly BridgeNfIptables?: boolean }];
  const subnets = (found.IPAM?.Config ?? []).flatMap(({ Subnet: subnet = "" }) => (/^\d+(\.\d+){3}\/\d+$/.test(subnet) ? [subnet] : []));
  const hasIpv6 = found.EnableIPv6 === true || (found.IPAM?.Config ?? []).some(({ Subnet: subnet = "" }) => subnet.includes(":"));
  return { subnets, hasIpv6, isClosed: info.BridgeNfIptables === true || found.Options?.["com.docker.network.bridge.enable_icc"] === "false" };
}
