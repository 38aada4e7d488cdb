import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastLines, PreparationError, run, step } from "./run.mjs";

/** Whether node_modules is not what the lock file says: its record is missing (npm removes it together with the rest) or of another lock file. */
export function dependenciesAreStale(root) {
  try {
    return readFileSync(recordOf(root), "utf8") !== expectedRecord(root);
  } catch {
    return true;
  }
}

/** Installs exactly what the lock file says. */
export function installDependencies(root) {
  const result = step("Installing packages from the lock file", () => {
    const [program, ...args] = npm();
    // Packages with machine code are built for the Node that will run them. In .npmrc every later npm command would warn of it.
    const headers = join(root, "node_modules", `node-${process.platform}-${process.arch}`);
    const env = { ...process.env, PWD: root, npm_config_nodedir: headers };
    const outcome = run(program, [...args, "ci", "--include=dev", "--no-audit", "--no-fund"], { cwd: root, env });
    if (outcome.succeeded) writeFileSync(recordOf(root), expectedRecord(root));
    return outcome;
  });
  if (!result.succeeded)
    throw new PreparationError(`${lastLines(result.output)}\n\nnpm ci failed. Backlot needs its packages: check the network and run the same command again.`);
}

/** What the record says after success. The platform is part of it: packages with machine code do not move between machines. */
function expectedRecord(root) {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  return `${lock} ${process.platform}-${process.arch}\n`;
}

function recordOf(root) {
  return join(root, "node_modules", ".backlot-installed");
}

// The npm that runs this script, under the Node that runs it: the one inside node_modules is about to be replaced.
function npm() {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  return script !== undefined && node !== undefined && script.endsWith(".js") ? [node, script] : ["npm"];
}
