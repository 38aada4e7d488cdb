/**
 * Who may import whom: STYLE.md's table as data. A folder of src/, single files of one, or `web`; what is not named is not allowed.
 * Processes meet only through `contract`: hosts that run sites or doors hold no database credentials, hence no code for them.
 */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  kit: ["contract"],
  core: ["contract", "kit"],
  db: ["contract", "kit", "core"],
  manager: ["contract", "kit", "core", "db"],
  worker: ["contract", "kit", "core", "db"],
  // Not kit as a whole: it has the server of HTTP in it.
  cli: ["contract", "kit/config.ts", "kit/demo-account.ts"],
  orchestrator: ["contract", "kit"],
  router: ["contract", "kit"],
  shell: ["contract", "kit"],
  ftp: ["contract", "kit"],
  supervisor: ["contract", "kit"],
  web: ["contract"],
};

/** Files with a wider view than their folder, each with what for. */
export const widerView: Readonly<Record<string, { readonly targets: RegExp; readonly because: string }>> = {
  "src/main.ts": { targets: /^src\/(kit|supervisor|[^/]+\.ts$)/, because: "the one executable" },
  "src/process-config.ts": { targets: /^src\/kit\//, because: "settings of main.ts" },
  "src/original-names.ts": { targets: /^src\/kit\//, because: "translates the environment for main.ts" },
  "src/services.ts": { targets: /^src\/(kit\/|[^/]+\/(start|make-keys)\.ts$)/, because: "the list of what can run" },
  "src/service-configs.ts": { targets: /^src\/[^/]+\/(keys-)?config\.ts$/, because: "the list of settings" },
  "src/supervisor/start.ts": { targets: /^src\/service-configs\.ts$/, because: "passes settings on to the processes" },
};

/** What tests beside the code need from other folders, by the folder of the test. */
export const wideTests: Readonly<Record<string, { readonly targets: RegExp; readonly because: string }>> = {
  db: {
    targets: /^src\/supervisor\/(private-postgres|postgres-programs|site-postgres)\.ts$/,
    because: "stores are tried on the database that Backlot itself starts",
  },
  supervisor: { targets: /^src\/service-configs\.ts$/, because: "what a child is given is checked with the real settings" },
};

/** Test code may use the builders and fakes of test/, and a suite may meet whatever it brings together. */
export const testSupport = /^test\//;

/** Packages by folder, where not every dependency is welcome: all that the folder may import from outside. */
export const mayUse: Readonly<Record<string, { readonly packages: RegExp; readonly because: string }>> = {
  contract: { packages: /^zod$/, because: "the browser bundles it" },
  db: {
    packages: /^(kysely(\/migration)?|pg|node:(child_process|crypto|events|fs|fs\/promises|os|path|timers\/promises|url))$/,
    because: "transactions are here, and none may wait for the network",
  },
  cli: {
    packages:
      /^(commander|ignore|ioredis|rabbitmq-client|tar-stream|zod|node:(child_process|crypto|events|fs|fs\/promises|http|https|module|net|os|path|readline\/promises|stream|stream\/consumers|stream\/promises|timers\/promises|zlib))$/,
    because: "it is a client, and loads no code of a server or a database; the doctor greets a Redis and a broker",
  },
  core: { packages: /^(zod|croner|node:(crypto|util|events|path))$/, because: "it decides and does no I/O" },
};

/** Files longer than the limit, with why they are not two. */
export const longFiles: Readonly<Record<string, { readonly lines: number; readonly because: string }>> = {};

/** Functions longer than the limit, as `file: name`, with why. */
export const longFunctions: Readonly<Record<string, { readonly lines: number; readonly because: string }>> = {};
