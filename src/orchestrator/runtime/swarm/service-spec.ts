import type Docker from "dockerode";
import { siteDatabaseHost } from "#contract/site-database.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { siteEnvironment } from "../process/site-environment.ts";
import type { SiteOwner } from "../process/site-owner.ts";
import { environmentOf, inside, mountsOf, nameServersFor, nanoCpus, resolverOptions, sitePort, ulimitsOf, userOf, waitToBegin } from "./container-plan.ts";
import { labels } from "./labels.ts";
import { type MarkedFolder, staticServerParts } from "./static-server.ts";

/** A service of a site's program; a site that is restarted has the second one beside the first until the first is retired. */
export const slots = ["first", "second"] as const;
export type Slot = (typeof slots)[number];

/** What a service is made of. */
export interface ServiceOrder {
  readonly installation: string;
  readonly spec: SiteSpec;
  readonly instance: string;
  readonly slot: Slot;
  /** Unlike that of every other start. */
  readonly start: string;
  /** The site's folder as the node sees it. */
  readonly folder: string;
  readonly owner: SiteOwner | null;
  readonly image: string;
  /** Folders that the image declares as volumes. */
  readonly volumes: readonly string[];
  /** Where it runs: the node of the orchestrator that started it, which can freeze it and read what it prints. */
  readonly nodeId: string;
  /** The folder of the socket of sites' databases; null where there is none. */
  readonly databaseFolder: string | null;
  readonly nameServers: readonly string[];
  /** Networks of the swarm, by their ids, that it is on besides the engine's own bridge. */
  readonly networks?: readonly string[];
  /** `public` of a static site, whose service is a file server; absent: it runs the site's program. */
  readonly files?: MarkedFolder;
  /** Engines from 26 on take it per service; before, the daemon has to be told. */
  readonly canForbidPrivileges: boolean;
  /** For others that read services: a load balancer's. */
  readonly labels: Readonly<Record<string, string>>;
}

const nanoseconds = 1_000_000;
const stopGraceMs = 3_000;
/** Nobody restarts but us: we tell why it ended, back off and stop after a while. */
const restartPolicy = { Condition: "none", Delay: 100 * nanoseconds, MaxAttempts: 0 } as const;
const updateConfig = {
  Parallelism: 1,
  Delay: 0,
  FailureAction: "rollback",
  Monitor: 500 * nanoseconds,
  MaxFailureRatio: 0,
  Order: "start-first",
} as const;
const logDriver = { Name: "json-file", Options: { "max-size": "10m", "max-file": "3" } };

export function serviceName(siteId: number, slot: Slot): string {
  const name = `site_${String(siteId).padStart(4, "0")}`;
  return slot === "first" ? name : `${name}_b`;
}

export function slotOf(name: string): Slot {
  return name.endsWith("_b") ? "second" : "first";
}

/** The whole service of a site's program that runs. */
export function serviceSpec(order: ServiceOrder): Docker.CreateServiceOptions {
  const { spec } = order;
  const own = ownLabels(order);
  return {
    Name: serviceName(spec.siteId, order.slot),
    Labels: { ...order.labels, ...own },
    TaskTemplate: {
      ContainerSpec: {
        ...containerSpec(order, own),
        ...(order.files === undefined
          ? {}
          : staticServerParts({ files: order.files, owner: order.owner, memoryBytes: spec.limits.memoryBytes, declared: order })),
      },
      Resources: { Limits: { NanoCPUs: nanoCpus(spec.limits.cpu), MemoryBytes: spec.limits.memoryBytes, Pids: spec.limits.pids } },
      RestartPolicy: restartPolicy,
      Placement: { Constraints: [`node.id==${order.nodeId}`] },
      LogDriver: logDriver,
      // Named together with others, the bridge stays what it is alone: the way to the port, and out.
      Networks: networksOf(order),
      ForceUpdate: 0,
      Runtime: "container",
    },
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: updateConfig,
    RollbackConfig: updateConfig,
    // Addresses of our own choice on the node itself: virtual addresses need IPVS, and those of an overlay run out.
    EndpointSpec: { Mode: "dnsrr", Ports: [{ Protocol: "tcp", TargetPort: sitePort, PublishMode: "host" }] },
  };
}

function networksOf({ networks = [] }: ServiceOrder): Docker.NetworkAttachmentConfig[] {
  return networks.length === 0 ? [] : ["bridge", ...networks].map((Target) => ({ Target }));
}

/** The same service without a program. */
export function asleep(spec: Docker.ServiceSpec): Docker.ServiceSpec {
  return { ...spec, Mode: { Replicated: { Replicas: 0 } } };
}

function ownLabels({ installation, spec, instance, start }: ServiceOrder): Record<string, string> {
  return {
    [labels.installation]: installation,
    [labels.kind]: "site",
    [labels.site]: String(spec.siteId),
    [labels.instance]: instance,
    [labels.revision]: String(spec.revision),
    [labels.placement]: String(spec.placement ?? 0),
    [labels.start]: start,
    [labels.egress]: spec.egress,
  };
}

function containerSpec(order: ServiceOrder, own: Record<string, string>): Docker.ContainerSpec {
  const { spec, databaseFolder } = order;
  const hasDatabase = spec.database !== null && databaseFolder !== null;
  const folders = [
    { source: order.folder, target: inside.site, isWritable: true },
    ...(hasDatabase ? [{ source: databaseFolder, target: siteDatabaseHost, isWritable: false }] : []),
  ];
  const variables = siteEnvironment(spec, {
    host: "0.0.0.0",
    port: sitePort,
    home: inside.home,
    path: "",
    databaseHost: hasDatabase ? siteDatabaseHost : null,
  });
  return {
    Image: order.image,
    Labels: own,
    Command: ["/bin/sh", "-c", entryScript],
    Hostname: "site",
    Env: environmentOf(variables).map(literal),
    Dir: inside.site,
    User: userOf(order.owner),
    ...(order.canForbidPrivileges ? { Privileges: { NoNewPrivileges: true } as Docker.Privileges } : {}),
    Init: true,
    // We look ourselves: a check that the image brings along fails while the program is frozen, and the swarm would replace it.
    HealthCheck: { Test: ["NONE"] },
    ReadOnly: true,
    // The engine's own type lacks nothing of these but says less exactly what may be left out.
    Mounts: mountsOf(folders, spec.limits.memoryBytes, order) as Docker.MountSettings[],
    StopSignal: "SIGTERM",
    StopGracePeriod: stopGraceMs * nanoseconds,
    DNSConfig: { Nameservers: nameServersFor(spec.egress === "internet", order.nameServers), Search: ["."], Options: resolverOptions },
    CapabilityDrop: ["ALL"],
    Ulimits: ulimitsOf(spec.limits.fileBytes),
  };
}

/** A swarm takes a service's variables for templates: a site's own would be refused, or filled in with what it is not to know of the node. */
function literal(variable: string): string {
  return variable.replaceAll("{{", '{{"{{"}}');
}

/**
 * Finds `run.sh` and becomes it. The same for every site and state, so that a service can sleep and wake unchanged. One that cannot be executed
 * by itself is given to the shell.
 */
export const entryScript = [
  waitToBegin,
  `PATH="\${PATH:-/usr/local/bin:/usr/bin:/bin}:${inside.home}/.local/bin"`,
  "export PATH",
  `for _b_file in ${inside.site}/run.sh ${inside.site}/private/run.sh ${inside.site}/public/run.sh; do`,
  '  [ -f "$_b_file" ] || continue',
  '  read -r _b_first < "$_b_file"',
  '  case "$_b_first" in "#!"*) [ -x "$_b_file" ] && exec "$_b_file" ;; esac',
  '  exec /bin/sh "$_b_file"',
  "done",
  'echo "There is no run.sh in the site, in private or in public." >&2',
  "exit 127",
].join("\n");
