import { randomUUID } from "node:crypto";
import type Docker from "dockerode";
import type { Log } from "#kit/log.ts";
import { disposableSpec } from "./disposable.ts";
import { declaredVolumes } from "./image-volumes.ts";
import type { PortBook } from "./port-book.ts";

/** A container of more takes seconds to start. */
const mostAtOnce = 256;

export interface SkipOptions {
  readonly installation: string;
  /** Of the container that has the ports for a moment. */
  readonly defaultImage: string;
  readonly log: Log;
}

/**
 * Has the engine give its next ports, as far as they rest, to nobody: it gives them out one after the other, also to one container that wants many, and
 * goes on behind them when that has gone.
 */
export async function skipResting(docker: Docker, ports: PortBook, options: SkipOptions): Promise<void> {
  const count = Math.min(mostAtOnce, ports.ahead());
  if (count === 0) return;
  const { installation, defaultImage: image, log } = options;
  const spec = disposableSpec({ ...nobody, installation, image, start: randomUUID() }, await declaredVolumes(docker, image));
  const names = Array.from({ length: count }, (_, index) => `${index + 1}/tcp`);
  const container = await docker.createContainer({
    ...spec,
    ExposedPorts: Object.fromEntries(names.map((name) => [name, {}])),
    HostConfig: { ...spec.HostConfig, PortBindings: Object.fromEntries(names.map((name) => [name, [{}]])) },
  });
  try {
    await container.start();
    ports.skipped(count);
    log.info({ count }, "ports that other sites had before the engine was restarted were left out");
  } catch (err) {
    log.warn({ err }, "ports that rest could not be left out all at once");
  } finally {
    await container.remove({ force: true, v: true });
  }
}

const nobody = {
  kind: "probe",
  command: ["/bin/sh", "-c", "exit 0"],
  environment: [],
  workFolder: "/",
  folders: [],
  owner: null,
  limits: { cpu: 1, memoryBytes: 64_000_000, pids: 16, fileBytes: null },
  hasEgress: true,
  nameServers: [],
  hasTerminal: false,
  hasInput: false,
} as const;
