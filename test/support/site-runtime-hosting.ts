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
  const child = spawn(file, rest, { cwd: "/", stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line: unknown = (await lines.next()).value;
  if (typeof line !== "string") throw new Error("the host of the runtime ended before it was ready");
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

/** The checkout may lie where that user cannot go (/root), so it is shown in the user's own folder as well. */
export function ordinaryUser(): OrdinaryUser {
  const uid = "54321";
  const folder = mkdtempSync(join(tmpdir(), "backlot-ordinary-"));
  const shown = mkdtempSync(join(tmpdir(), "backlot-checkout-"));
  chownSync(folder, Number(uid), Number(uid));
  chmodSync(shown, 0o755);
  const show = ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind", checkout, shown];
  return {
    folder,
    checkout: shown,
    as: [...show, "setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"],
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
      rmSync(shown, { recursive: true, force: true });
    },
  };
}
