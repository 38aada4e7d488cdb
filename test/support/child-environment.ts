import { fileURLToPath } from "node:url";

/** What a Node process of ours needs beside its settings: programs, and the modules that others have compiled before it (half of its start). */
export const childEnvironment = {
  PATH: process.env.PATH,
  // Where bin/backlot.mjs keeps them, too.
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/compiled", import.meta.url)),
};
