import { spawn } from "node:child_process";
import { closeSync, openSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { withPipes } from "./with-pipes.ts";

/**
 * Makes a namespace by a short-lived `ip -batch` that waits inside it for its commands. Our descriptor keeps the namespace
 * after that: nothing has a name on the machine, so nothing of it can outlive this process and the sandboxes in it.
 */
export class NamespaceHolder {
  readonly slot: number;
  readonly #child;
  readonly #ended: Promise<number | null>;
  #descriptor: number | null = null;

  constructor(slot: number, programs: { readonly unshare: string; readonly ip: string }) {
    this.slot = slot;
    this.#child = withPipes(spawn(programs.unshare, ["--net", "--", programs.ip, "-batch", "-"], { env: {}, stdio: ["pipe", "ignore", "ignore"] }));
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
