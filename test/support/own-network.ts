// Test files with real servers run in network namespaces of their own: no port, address or rule of one file meets another's or the machine's.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ForksPoolWorker, type PoolRunnerInitializer } from "vitest/node";

const launcher = fileURLToPath(new URL("own-network.sh", import.meta.url));

/** A pool whose processes have a network of their own; undefined where that needs more than we may or have. */
export function ownNetworks(): PoolRunnerInitializer | undefined {
  if (process.getuid?.() !== 0 || spawnSync("unshare", ["--net", "ip", "link", "set", "lo", "up"]).status !== 0) return undefined;
  return { name: "own-networks", createPoolWorker: (options) => new OwnNetworkWorker(options) };
}

class OwnNetworkWorker extends ForksPoolWorker {
  override readonly name = "own-networks";

  override start(): Promise<void> {
    const node = process.execPath;
    this.env["BACKLOT_TEST_NODE"] = node;
    // What `fork` starts unless told otherwise. Vitest tells it nothing else, and has called it when this returns.
    process.execPath = launcher;
    try {
      return super.start();
    } finally {
      process.execPath = node;
    }
  }
}
