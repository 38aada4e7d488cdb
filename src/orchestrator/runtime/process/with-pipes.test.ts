import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const here = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
// In a process of its own, which has used up its descriptors and is to go on.
const program = `
  import { openSync, closeSync } from "node:fs";
  const { launch } = await import(${here("./launch.ts")});
  const { runCommand } = await import(${here("./run-command.ts")});
  const taken = [];
  try { for (;;) taken.push(openSync("/dev/null")); } catch {}
  const outcome = (work) => work().then(() => "started", (error) => error.code ?? error.message);
  const start = () => launch({ argv: ["/bin/true"], scratchFolder: "/tmp", onOutput: () => {} });
  const said = [await outcome(start), (await runCommand(["/bin/true"])).code, await outcome(start)];
  for (const descriptor of taken) closeSync(descriptor);
  said.push((await runCommand(["/bin/true"])).code);
  // What nobody caught would end the process before that.
  setTimeout(() => { console.log(JSON.stringify(said)); process.exit(); }, 50);
`;

test("where no descriptor is left a start fails with a word, and the process goes on", async () => {
  const script = 'ulimit -n 80 && exec "$@"';
  const node = [process.execPath, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", script, "sh", ...node], { timeout: 60_000 });
  expect(JSON.parse(stdout)).toEqual(["machine_full", null, "machine_full", 0]);
});
