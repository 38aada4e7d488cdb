// How the server's sources become few files: `vite build --config scripts/program.vite.mjs --outDir FOLDER`, run by scripts/prepare/program.mjs.
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { programFolder, recordName, stampOf } from "../bin/built-program.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Packages of many modules each. The others stay as they are: some are machine code, or look for files beside their own. */
const packedIn = ["zod", "kysely", "jose", "yaml", "croner", "lru-cache", "commander", "http-cache-semantics", "isbot", "mrmime", "cookie", "jsonc-parser"];
/** What decides the result beside the sources: versions of packages, and how all this is made. */
const more = ["package.json", "package-lock.json", "scripts/program.vite.mjs"];

/** Reads our sources: programs and files beside them are found where the source lies, and what was read is written down. */
function sources() {
  const stamps = Object.fromEntries(more.map((path) => [path, stampOf(join(root, path))]));
  return {
    name: "backlot-sources",
    load: {
      filter: { id: /\.ts$/ },
      handler(id) {
        const path = relative(root, id);
        if (!path.startsWith("src/")) return null;
        // Before it is read: a change in between makes the whole stale, not wrong.
        stamps[path] = stampOf(id);
        const place = `new URL(${JSON.stringify(relative(programFolder, path))}, import.meta.url).href`;
        const code = readFileSync(id, "utf8").replaceAll("import.meta.url", place);
        if (/\bimport\.meta\.(?!url\b)/.test(code)) this.error(`${path} uses import.meta for something that a built program cannot know`);
        return { code, moduleType: "ts" };
      },
    },
    generateBundle() {
      this.emitFile({ type: "asset", fileName: recordName, source: JSON.stringify(stamps) });
    },
  };
}

export default defineConfig({
  root,
  publicDir: false,
  plugins: [sources()],
  ssr: { noExternal: packedIn },
  build: {
    ssr: true,
    target: "node24",
    outDir: programFolder,
    emptyOutDir: true,
    minify: false,
    sourcemap: true,
    rolldownOptions: {
      input: { main: resolve(root, "src/main.ts"), cli: resolve(root, "src/cli/main.ts") },
      output: { sourcemapExcludeSources: true, entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
});
