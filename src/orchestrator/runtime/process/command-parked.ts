import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";

/** Tells a parked launcher what to become, and what bubblewrap reads from its descriptor. */
export function commandParked(child: ChildProcess, given: { readonly argv: readonly string[]; readonly arguments: readonly string[] }): void {
  if (given.argv.some((word) => word.includes("\n"))) throw new Error("a word of a command holds a line break");
  // Node types what it made of "pipe" as readable or writable by its number; all of them are sockets.
  const [gate, list] = [child.stdio[3] as Socket, child.stdio[4] as Socket];
  list.end(given.arguments.map((argument) => `${argument}\0`).join(""));
  gate.write(`${given.argv.length}\n${given.argv.join("\n")}\n`);
}
