// The server's sources made into few files, which load in half the time: scripts/prepare/program.mjs makes them. They are used only while they
// are of the sources as they lie there; whoever changes one of those runs the sources themselves until the next `npm start` or `npm test`.
import { readFileSync, statSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Where they lie in a checkout, and what says which sources they are of. */
export const programFolder = join("dist", "program");
export const recordName = "sources.json";

/** The module to load for an entry (`main`, `cli`); null when there is none of these sources. */
export function builtEntry(root, name) {
  if (!isFresh(root)) return null;
  tellSources(pathToFileURL(join(root, programFolder, "/")).href);
  return join(root, programFolder, `${name}.js`);
}

/** Whether the built program is of the sources as they are: some hundreds of files are looked at, in a few milliseconds. */
export function isFresh(root) {
  try {
    const record = JSON.parse(readFileSync(join(root, programFolder, recordName), "utf8"));
    return Object.entries(record).every(([path, stamp]) => stampOf(join(root, path)) === stamp);
  } catch {
    return false;
  }
}

/** What changes with a file's content, as `make` and git see it. */
export function stampOf(path) {
  const { size, mtimeMs } = statSync(path);
  return `${size} ${mtimeMs}`;
}

// Stacks of errors name the lines of the sources. Node's own way reads each map at the start, a fifth of the time of that.
function tellSources(folder) {
  const usual = Error.prepareStackTrace;
  const maps = new Map();
  const mapOf = (file) => {
    if (!maps.has(file)) maps.set(file, readMap(`${folder}${file}.map`));
    return maps.get(file);
  };
  Error.prepareStackTrace = (error, frames) => {
    const stack = usual(error, frames);
    if (typeof stack !== "string" || !stack.includes(folder)) return stack;
    const parts = stack.split(folder);
    return parts.map((part, index) => (index === 0 ? part : (placeIn(part) ?? `${folder}${part}`))).join("");
  };
  function placeIn(part) {
    const [given, file, line, column] = /^([\w-]+\.js):(\d+):(\d+)/.exec(part) ?? [];
    if (given === undefined) return null;
    const origin = mapOf(file)?.findOrigin(Number(line), Number(column));
    if (origin?.fileName === undefined) return null;
    return `${new URL(origin.fileName, folder).href}:${origin.lineNumber}:${origin.columnNumber}${part.slice(given.length)}`;
  }
}

function readMap(url) {
  try {
    return new SourceMap(JSON.parse(readFileSync(new URL(url), "utf8")));
  } catch {
    return null;
  }
}
