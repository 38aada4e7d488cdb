// Starts `site-runtime-host.ts`, as this user or as one without any rights.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SiteAddress } from "#contract/site-spec.ts";
import type { RunExit } from "#orchestrator/runtime/run.ts";
import type { InstanceExit, RuntimeCapabilities } from "#orchestrator/runtime/site-runtime.ts";
import type { HostOrder } from "./site-runtime-host.ts";

export interface HostReport {
  readonly cleaned: number;
  readonly capabilities: RuntimeCapabilities;
  readonly started: readonly { readonly address?: SiteAddress; readonly exit?: InstanceExit; readonly printed?: string }[];
  readonly shown: readonly string[];
  readonly ran: readonly { readonly exit: RunExit; readonly printed: string }[];
}

export interface Host extends AsyncDisposable {
  readonly report: HostReport;
  /** Ends it as `kill -9` does, and waits until it is gone. */
  kill(): Promise<void>;
}

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const script = "test/support/site-runtime-host.ts";

export async function startHost(order: HostOrder, as: readonly string[] = [], folder = checkout): Promise<Host> {
  const [file = "", ...rest] = [...as, join(folder, "node_modules/.bin/node"), join(folder, script), JSON.stringify(order)];
  const child = spawn(file, rest, { cwd: "/", stdio: ["pipe", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    complaints = `${complaints}${chunk}`.slice(-4000);
  });
  const closed = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line: unknown = (await lines.next()).value;
  if (typeof line !== "string") {
    const [code, signal] = await closed;
    throw new Error(`the host of the runtime ended before it was ready (${signal ?? code}):\n${complaints}`);
  }
  return {
    // The host writes this one type.
    report: JSON.parse(line) as HostReport,
    kill: () => ended(child, () => child.kill("SIGKILL")),
    [Symbol.asyncDispose]: () => ended(child, () => child.stdin.end()),
  };
}

async function ended(child: ChildProcess, act: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  act();
  await exit;
}

/** A place that a user without rights can write to, and a command that makes one of us: for root only. */
export interface OrdinaryUser extends Disposable {
  readonly folder: string;
  readonly checkout: string;
  /** What to put before a command line. */
  readonly as: readonly string[];
}

/**
 * The checkout may lie where that user cannot go (/root), so it is shown in the user's own folder as well. Not by bubblewrap: that goes through
 * every mount of the machine one by one, and fails when another test's Docker takes one of them away meanwhile.
 */
export function ordinaryUser(user = 54_321): OrdinaryUser {
  const uid = String(user);
  const folder = mkdtempSync(join(tmpdir(), "backlot-ordinary-"));
  const shown = mkdtempSync(join(tmpdir(), "backlot-checkout-"));
  chownSync(folder, user, user);
  chmodSync(shown, 0o755);
  const show = 'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"';
  return {
    folder,
    checkout: shown,
    as: ["unshare", "--mount", "sh", "-c", show, "sh", checkout, shown, "setpriv", "--pdeathsig=KILL", "--reuid", uid, "--regid", uid, "--clear-groups"],
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
      rmSync(shown, { recursive: true, force: true });
    },
  };
}
