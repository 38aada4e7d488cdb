import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { isFresh, programFolder } from "../../bin/built-program.mjs";
import { lastLines, pinnedNode, run, step } from "./run.mjs";

/** Whether the built program is missing or made of other sources. */
export function programIsStale(root) {
  return existsSync(join(root, "src", "main.ts")) && !isFresh(root);
}

/** Builds it beside and puts it in place when it is complete. Never fatal: the sources themselves run too, only slower. */
export function buildProgram(root) {
  const place = join(root, programFolder);
  const built = `${place}-${process.pid}`;
  const result = step("Building the program", () => {
    const vite = join(root, "node_modules", "vite", "bin", "vite.js");
    const config = join("scripts", "program.vite.mjs");
    const outcome = run(pinnedNode(root), [vite, "build", "--config", config, "--configLoader", "native", "--outDir", built, "--logLevel", "warn"], {
      cwd: root,
    });
    return outcome.succeeded ? placeIt(built, place) : outcome;
  });
  rmSync(built, { recursive: true, force: true });
  if (!result.succeeded) process.stdout.write(`${lastLines(result.output, 8)}\nThe program could not be built; it starts from its sources, a second slower.\n`);
}

// Whoever loads a part of the one before in this moment fails, and is started again.
function placeIt(built, place) {
  try {
    mkdirSync(dirname(place), { recursive: true });
    rmSync(place, { recursive: true, force: true });
    renameSync(built, place);
    return { succeeded: true, output: "" };
  } catch (error) {
    return { succeeded: false, output: error.message };
  }
}
