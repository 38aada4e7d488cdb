// Takes ports of an engine's bridge without containers, which cost a second each.
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun, runCommand } from "#orchestrator/runtime/process/run-command.ts";
import type { SwarmNode } from "./swarm.ts";

/** All of them are removed at once by it. */
const group = "4242";

/** Links whose other ends nobody has, as ports of the bridge. */
export async function takeBridgePorts({ inNetwork }: Pick<SwarmNode, "inNetwork">, count: number): Promise<AsyncDisposable> {
  const ip = findProgram("ip") ?? "ip";
  const lines = Array.from(
    { length: count },
    (_, index) => `link add port${index} group ${group} type veth peer name other${index}\nlink set port${index} master docker0\n`,
  );
  const { code, stderr } = await runCommand([...inNetwork, ip, "-batch", "-"], { input: lines.join("") });
  if (code !== 0) throw new Error(`ip says ${stderr}`);
  return { [Symbol.asyncDispose]: async () => void (await mustRun([...inNetwork, ip, "link", "delete", "group", group])) };
}
