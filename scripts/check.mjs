// `npm run check`: everything that can be said about the code without running it. Says of each part whether it holds, and of one that does not what it found.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tool = (name, ...args) => [join(root, "node_modules", ".bin", name), ...args];
const linesShown = 60;

const parts = [
  // First, since it takes the longest.
  { name: "promises", command: tool("oxlint", "--type-aware", "src", "web", "test", "bench", "scripts", "bin") },
  { name: "types", command: tool("tsc", "-p", ".") },
  { name: "types of the dashboard", command: tool("tsc", "-p", "web"), needs: "web/tsconfig.json" },
  { name: "lint and format", command: tool("biome", "ci", "--colors=off", "--error-on-warnings", "--diagnostic-level=warn", "--max-diagnostics=15", ".") },
  { name: "unused code and packages", command: tool("knip") },
  { name: "house rules", command: tool("vitest", "run", "--reporter=dot", "test/tidy.test.ts") },
  { name: "generated references", command: [process.execPath, "scripts/generate-config-reference.ts", "--check"] },
];

const queue = parts.filter((part) => part.needs === undefined || existsSync(join(root, part.needs)));
const failed = [];
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.stdout.write(failed.length === 0 ? "Everything holds.\n" : `\nDoes not hold: ${failed.join(", ")}.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function work() {
  for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
    const startedAt = Date.now();
    const { code, output } = await run(part.command);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${part.name} (${seconds} s)\n`);
    if (code === 0) continue;
    failed.push(part.name);
    const lines = output.trimEnd().split("\n");
    const omitted =
      lines.length > linesShown ? `… ${lines.length - linesShown} more lines: ${basename(part.command[0])} ${part.command.slice(1).join(" ")}\n` : "";
    process.stdout.write(`${lines.slice(0, linesShown).join("\n")}\n${omitted}`);
  }
}

function run([program, ...args]) {
  return new Promise((resolve) => {
    // Without colours: what is shown goes to logs as well.
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => resolve({ code: 1, output: `${program}: ${error.message}` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
