import { readFileSync } from "node:fs";
import type Docker from "dockerode";
import type { Log } from "#kit/log.ts";
import { forbidSwap } from "./container-groups.ts";

/**
 * Keeps a service's container to its memory. Engines let one have as much again in swap, and services can say otherwise only from API 1.52 on, so that
 * it is set where the kernel counts; by way of the engine where that cannot be written from here, which takes it some thirty milliseconds.
 */
export async function holdMemory(container: Docker.Container, pid: number, log: Log): Promise<void> {
  if (forbidSwap(pid) || swapBytes() === 0) return;
  try {
    const { Memory: memory = 0 } = (await container.inspect()).HostConfig;
    if (memory > 0) await container.update({ Memory: memory, MemorySwap: memory });
  } catch (err) {
    log.error({ err, containerId: container.id }, "a program may take its memory again as swap");
  }
}

/** How much swap this machine has. */
export function swapBytes(): number {
  const [, kilobytes = "0"] = /^SwapTotal:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}
