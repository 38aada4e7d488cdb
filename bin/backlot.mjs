#!/usr/bin/env node
// The command. Plain JavaScript, so that any Node can read it: with one older than 24 it hands over to the Node that npm installed beside it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const runsServices = ["start", "run"].includes(process.argv[2] ?? "");
if (runsServices && process.env.npm_lifecycle_event === "start") endWithNpm();

if (!existsSync(join(root, "node_modules", "zod"))) {
  process.stderr.write(`Backlot is not installed in ${root} yet. Run "npm start" there, or "npm ci".\n`);
  process.exitCode = 1;
} else if (Number(process.versions.node.split(".")[0]) < 24) {
  handOver();
} else {
  // Stripped and compiled modules are kept inside the checkout: the default folder under /tmp is anybody's to write.
  module.enableCompileCache(join(root, "node_modules", ".cache", "compiled"));
  // Two ways to load the same; either tells the lines of the sources when something fails.
  const { builtEntry } = await import("./built-program.mjs");
  const built = builtEntry(root, runsServices ? "main" : "cli");
  const entry = pathToFileURL(built ?? join(root, "src", runsServices ? "main.ts" : join("cli", "main.ts")));
  const { runCli } = await import(entry.href);
  if (!runsServices) process.exitCode = await runCli(process.argv.slice(2), process.env);
}

// Whoever kills `npm start` means what it started. npm passes signals on, but nobody passes on a `kill -9`.
function endWithNpm() {
  const npm = process.ppid;
  const look = () => process.ppid === npm || process.kill(process.pid, "SIGTERM");
  setInterval(look, 250).unref();
}

function handOver() {
  const node = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (!existsSync(node)) {
    process.stderr.write(`Backlot needs Node 24 or newer; this is ${process.version}, and ${node} is missing. Run "npm ci" in ${root}.\n`);
    process.exitCode = 1;
    return;
  }
  // The channel tells a service that this process is gone, whichever way it ended; see exitWithParent in src/main.ts.
  const stdio = runsServices ? ["inherit", "inherit", "inherit", "ipc"] : "inherit";
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  // Ctrl-C reaches both processes; a second copy of a signal asks for nothing new within the child's first second.
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`${node} cannot be run: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    for (const name of signals) process.removeAllListeners(name);
    if (signal === null) process.exit(code ?? 1);
    process.kill(process.pid, signal);
  });
}
