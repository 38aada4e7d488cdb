import { accessSync, constants, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "#kit/log.ts";
import { type EgressState, letOutCommands, takeBackCommands } from "./firewall-rules.ts";
import { findNameServers, resolverConfig } from "./name-servers.ts";
import { egressResolverFile } from "./private-etc.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { forwardingFile, holdUplink, releaseUplinks } from "./uplink-forwarding.ts";

export interface SiteEgressOptions {
  readonly installation: string;
  readonly programs: { readonly ip: string; readonly nft: string; readonly nsenter: string };
  /** Where the sites' private `/etc` files stand. */
  readonly etcFolder: string;
  readonly resolverFiles: readonly string[];
  readonly log: Log;
}

/** An end of a site's network, as the host sees it. */
export interface SiteLink {
  readonly name: string;
  /** The host's end, which is the site's way out. */
  readonly host: string;
  readonly site: string;
  readonly namespace: string;
}

/** Why this machine cannot let anything out whatever the rules; null when it can. */
export function egressObstacle(): string | null {
  try {
    accessSync(forwardingFile("default"), constants.W_OK);
    accessSync("/run", constants.W_OK);
    return null;
  } catch {
    return "The kernel's switches for forwarding (/proc/sys/net) or /run cannot be written here, as in a container without privileges.";
  }
}

/** Lets single sites out into the public internet, by the table that `firewallRules` made. */
export class SiteEgress {
  readonly #options: SiteEgressOptions;
  readonly #change: (commands: string) => Promise<string | null>;
  /** Addresses of what is out, by the interface. */
  readonly #out = new Map<string, string>();
  #state: EgressState = { resolvers: [], opened: [] };
  readonly #ending = new Set<Promise<void>>();

  /** `change`: of the table that `firewallRules` made; gives what was said, null when it was done. */
  constructor(options: SiteEgressOptions, change: (commands: string) => Promise<string | null>) {
    this.#options = options;
    this.#change = change;
    this.#writeResolvers(findNameServers(options.resolverFiles));
  }

  /** What will be in the way of sites that are let out, in sentences. */
  async notes(): Promise<readonly string[]> {
    const [uplinks, hasStricterRules] = await Promise.all([this.#uplinks(), this.#forwardIsClosed()]);
    return [
      ...(uplinks.length === 0 ? ["This machine has no route to the internet right now."] : []),
      ...(findNameServers(this.#options.resolverFiles).length === 0
        ? ["/etc/resolv.conf names no name server besides this machine itself, so sites cannot look up names; addresses work."]
        : []),
      ...(hasStricterRules
        ? [
            `Other firewall rules of this machine (Docker's or ufw's) refuse what is forwarded unless they allow it: let the interfaces bl${this.#options.installation}-* pass there, for example in Docker's chain DOCKER-USER.`,
          ]
        : []),
    ];
  }

  /** All that is out, for a table that was made anew. */
  commands(): string {
    const { installation } = this.#options;
    return [...this.#out].map(([name, address]) => letOutCommands(installation, this.#state, { name, address })).join("");
  }

  /** Gives a namespace its way out. Several may be under way at once. */
  async letOut(link: SiteLink): Promise<void> {
    const { installation, programs, resolverFiles } = this.#options;
    this.#out.set(link.name, link.site);
    const uplinks = await this.#uplinks();
    const resolvers = findNameServers(resolverFiles);
    this.#writeResolvers(resolvers);
    writeFileSync(forwardingFile(link.name), "1");
    const opened = uplinks.filter((name) => holdUplink(installation, name));
    this.#state = { resolvers, opened };
    await Promise.all([
      this.#changed(letOutCommands(installation, this.#state, { name: link.name, address: link.site })),
      mustRun([programs.nsenter, `--net=${link.namespace}`, "--", programs.ip, "route", "add", "default", "via", link.host, "dev", "eth0"]),
    ]);
  }

  /** Closes the way again; resolves when it is closed. Never rejects: what stays behind is a rule about an interface that is gone. */
  takeBack(link: Pick<SiteLink, "name" | "site">): Promise<void> {
    const ending = this.#takeBack(link).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
    return ending;
  }

  async close(): Promise<void> {
    await Promise.all(this.#ending);
    releaseUplinks(this.#options.installation);
  }

  async #takeBack(link: Pick<SiteLink, "name" | "site">): Promise<void> {
    const { installation, log } = this.#options;
    // First: a table that is made anew meanwhile is made without it.
    this.#out.delete(link.name);
    const said = await this.#change(takeBackCommands(installation, { name: link.name, address: link.site }));
    if (said !== null) log.error({ reason: said, link: link.name }, "a site's way out was not closed");
    if (this.#out.size === 0) releaseUplinks(installation);
  }

  async #changed(commands: string): Promise<void> {
    const said = await this.#change(commands);
    if (said !== null) throw new Error(`nft says ${said}`);
  }

  /** The interfaces of default routes; asked each time, since a laptop changes them. */
  async #uplinks(): Promise<readonly string[]> {
    const text = await mustRun([this.#options.programs.ip, "-4", "-json", "route", "show", "default"]);
    const routes: unknown = JSON.parse(text || "[]");
    if (!Array.isArray(routes)) return [];
    return [...new Set(routes.map((route: { readonly dev?: unknown }) => String(route.dev)).filter((name) => /^[\w.@-]{1,15}$/.test(name)))];
  }

  /** Whether another chain of this machine drops what is forwarded unless it says otherwise: an `accept` of ours does not outweigh it. */
  async #forwardIsClosed(): Promise<boolean> {
    const { code, stdout } = await runCommand([this.#options.programs.nft, "-json", "list", "chains"]);
    return code === 0 && /"hook": ?"forward"[^}]*"policy": ?"drop"/.test(stdout);
  }

  #writeResolvers(servers: readonly string[]): void {
    // In place: sandboxes that run have this very file mounted.
    writeFileSync(join(this.#options.etcFolder, egressResolverFile), resolverConfig(servers), { mode: 0o644 });
  }
}
