// Datagrams (UDP) that sites of a swarm send, counted where they would arrive; called by `swarm-isolation.service.test.ts`.
import { expect, it } from "vitest";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun, runCommand } from "#orchestrator/runtime/process/run-command.ts";
import type { RunningInstance } from "#orchestrator/runtime/site-runtime.ts";
import type { SwarmNode } from "./swarm.ts";
import type { SwarmRuntimeHarness } from "./swarm-runtime-harness.ts";

interface Opened {
  readonly harness: SwarmRuntimeHarness;
  /** Serves, on the first node. */
  readonly neighbour: RunningInstance;
  /** Addresses of the first node besides its own: the metadata service's. */
  readonly addresses: readonly string[];
  /** Beyond the nodes, in the network between them. */
  readonly outside: string;
}

const [nft, busybox, nsenter] = ["nft", "busybox", "nsenter"].map((name) => findProgram(name) ?? name) as [string, string, string];
const patience = { timeout: 30_000, interval: 50 };
const table = "backlot_test_datagrams";
/** A file that is asked for by TFTP: the one protocol over UDP for which every busybox has a program, to any port. Asked for several times. */
const mark = "blot";
/** Of nobody, and those by which the swarm's nodes talk to each other: its overlays and its gossip. */
const ports = [8_099, 4_789, 7_946];

const sends = (targets: readonly string[], program = ""): string => `cd /tmp
for target in ${targets.join(" ")}; do
  (timeout 4 ${program} tftp -g -r ${mark} -l "got-$target" "\${target%:*}" "\${target##*:}" >/dev/null 2>&1) &
done
wait
echo sent
`;

/** What has come so far to addresses of the network at a place, as `address:port`: behind all rules, where a socket would get it. */
async function arrivedAt(place: readonly string[]): Promise<readonly string[]> {
  const listed = await mustRun([...place, nft, "list", "set", "inet", table, "seen"]);
  const [, elements = ""] = /elements = \{([^}]*)\}/.exec(listed) ?? [];
  return [...elements.matchAll(/([\d.]+) \. (\d+)/g)].map(([, address, port]) => `${address}:${port}`).toSorted();
}

/** Begins to count there, from nothing. */
async function count(place: readonly string[]): Promise<void> {
  const rules = [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    "  set seen { type ipv4_addr . inet_service; size 65535; flags dynamic; }",
    "  chain input {",
    "    type filter hook input priority 300; policy accept;",
    // What is asked for stands behind the header of UDP and two bytes.
    `    meta l4proto udp @th,80,32 0x${Buffer.from(mark).toString("hex")} add @seen { ip daddr . udp dport }`,
    "  }",
    "}",
    "",
  ].join("\n");
  const { code, stderr } = await runCommand([...place, nft, "-f", "-"], { input: rules });
  if (code !== 0) throw new Error(`nft says ${stderr}`);
}

/** One test. */
export function swarmDatagramSuite(opened: () => Opened): void {
  const containerOf = async ({ docker }: SwarmNode, siteId: number) => {
    const [found] = await docker.listContainers({ filters: JSON.stringify({ label: [`backlot.site=${siteId}`] }) });
    const { State: state, NetworkSettings: network } = await docker.getContainer(found?.Id ?? "").inspect();
    return { address: network.Networks.bridge?.IPAddress ?? "", place: [nsenter, `--net=/proc/${state.Pid}/ns/net`] };
  };

  it("send no datagram to each other, to a node or between nodes, and only into the internet where they may go out", { timeout: 180_000 }, async () => {
    const { harness, neighbour, addresses, outside } = opened();
    const { nodes, inBetween } = harness.swarm;
    const [node] = nodes;
    const inner = await containerOf(node, neighbour.siteId);
    expect(inner.address).toMatch(/^172\.30\./);
    const own = ["172.30.1.1", ...nodes.map(({ address }) => address), ...addresses];
    const targets = [...own.flatMap((address) => ports.map((port) => `${address}:${port}`)), `${inner.address}:8080`, `${outside}:8099`].toSorted();
    const places = [...nodes.map(({ inNetwork }) => inNetwork), inBetween, inner.place];
    const arrived = async () => (await Promise.all(places.map(arrivedAt))).flat().toSorted();
    const begin = () => Promise.all(places.map(count));
    // They arrive from the node itself, so that they would be seen.
    await begin();
    await mustRun([...node.inNetwork, busybox, "sh", "-c", sends(targets, busybox)]);
    await expect.poll(arrived, patience).toEqual(targets);

    for (const [siteId, egress, expected] of [
      [7, "none", []],
      [8, "internet", [`${outside}:8099`]],
    ] as const) {
      await begin();
      const { request, printed } = harness.make({
        siteId,
        egress,
        files: { "run.sh": `#!/bin/sh\n${sends(targets)}exec httpd -f -p "$PORT" -h /site/public\n` },
      });
      const running = await harness.runtime.start(request);
      await expect.poll(printed, patience).toContain("sent\n");
      expect({ egress, arrived: await arrived() }).toEqual({ egress, arrived: expected });
      await running.stop(0);
    }
    for (const place of places) await mustRun([...place, nft, "delete", "table", "inet", table]);
  });
}
