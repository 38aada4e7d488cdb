// The rules of STYLE.md as a test. Each is shown a bad example first: a rule that finds nothing there would find nothing anywhere.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  environmentIsReadOnce,
  exportsHaveNames,
  filesAreShort,
  functionsAreSmall,
  leftOutWithReason,
  noAny,
  noBarrels,
  noShell,
  noSilentCatch,
  testsAllRun,
} from "./tidy/code-rules.ts";
import { longFiles, longFunctions, widerView } from "./tidy/dependency-table.ts";
import {
  importsAreWrittenTheirWay,
  importsFollowTheTable,
  importsMakeNoCircle,
  packagesAreDependencies,
  packagesFollowTheTable,
  type Rule,
} from "./tidy/import-rules.ts";
import { misnamed, misnumbered } from "./tidy/name-rules.ts";
import { listFiles, parseSource, readSources, type SourceFile } from "./tidy/source-file.ts";

const root = join(import.meta.dirname, "..");
const folders = ["src", "web", "test", "bench"];
const sources = readSources(root, folders);
const manifest = z
  .object({ dependencies: z.record(z.string(), z.string()), devDependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));

/** Files of an imagined repository, by path. */
const files = (texts: Readonly<Record<string, string>>): readonly SourceFile[] => Object.entries(texts).map(([path, text]) => parseSource(path, text));

interface Example {
  readonly rule: Rule;
  readonly name: string;
  /** Each has to be found: path → text, and how many problems. */
  readonly bad: Readonly<Record<string, string>>;
  readonly problems: number;
  readonly good: Readonly<Record<string, string>>;
}

const long = (lines: number): string => "\n".repeat(lines);

const examples: readonly Example[] = [
  {
    name: "every import follows the table of who may import whom",
    rule: importsFollowTheTable,
    bad: {
      "src/router/a.ts": 'import { x } from "#core/sites/site.ts";',
      "src/orchestrator/b.ts": 'import type { Row } from "../db/tables.ts";',
      "src/manager/c.ts": 'export { run } from "#worker/steps.ts";',
      "src/contract/d.ts": 'const late = () => import("#kit/log.ts");',
      "web/pages/e.tsx": 'type Log = import("#kit/log.ts").Log;',
      "src/kit/f.ts": 'import "#core/g.ts";',
      "src/stray.ts": 'import { x } from "#manager/start.ts";',
      "src/router/g.test.ts": 'import { x } from "#db/database.ts";',
      "src/cli/h.ts": 'import { x } from "#core/sites/site.ts";',
      "src/cli/i.ts": 'import { startServer } from "#kit/http/server.ts";',
      "src/cli/j.ts": 'const late = () => import("#kit/log.ts");',
    },
    problems: 11,
    good: {
      "src/manager/a.ts": 'import { x } from "#db/database.ts"; import { y } from "./b.ts"; import { z } from "zod";',
      "src/router/a.test.ts": 'import { x } from "../../test/support/fake.ts"; import { y } from "#contract/verb.ts";',
      "src/cli/a.ts": 'import { x } from "#kit/config.ts"; import { y } from "#contract/site.ts"; import { z } from "./exit-code.ts";',
      "test/e2e/a.test.ts": 'import { x } from "#db/database.ts"; import { y } from "#router/start.ts";',
      "web/app/a.ts": 'import { x } from "#contract/verb.ts"; import { y } from "../parts/b.tsx";',
      "src/services.ts": 'export const s = () => import("./router/start.ts");',
    },
  },
  {
    name: "files beside each other import by ./, across folders by #",
    rule: importsAreWrittenTheirWay,
    bad: { "src/kit/a.ts": 'import { x } from "#kit/b.ts"; import { y } from "../contract/c.ts";' },
    problems: 2,
    good: {
      "src/kit/http/a.ts": 'import { x } from "../b.ts"; import { y } from "#contract/c.ts"; import { z } from "#kit/jail/d.ts";',
      "src/main.ts": 'import { s } from "./services.ts";',
    },
  },
  {
    name: "imports make no circle",
    rule: importsMakeNoCircle,
    bad: {
      "src/kit/a.ts": 'import { b } from "./b.ts"; export const a = 1;',
      "src/kit/b.ts": 'export { c } from "./c.ts"; export const b = 1;',
      "src/kit/c.ts": 'import type { a } from "./a.ts"; export const c = 1;',
    },
    problems: 1,
    good: { "src/kit/a.ts": 'import { b } from "./b.ts"; export const a = b;', "src/kit/b.ts": 'export const b = () => import("./a.ts");' },
  },
  {
    name: "core decides and does no I/O, the contract runs in a browser, and the command is a client",
    rule: packagesFollowTheTable,
    bad: {
      "src/core/a.ts": 'import { readFile } from "node:fs/promises";',
      "src/core/b.ts": 'import fastify from "fastify"; import type { Pool } from "pg";',
      "src/contract/c.ts": 'import { randomUUID } from "node:crypto";',
      "src/db/d.ts": 'import { request } from "undici"; import { connect } from "node:net";',
      "src/cli/e.ts": 'import fastify from "fastify"; import { Kysely } from "kysely"; const late = () => import("pg");',
      "src/cli/doctor/f.ts": 'import { createServer } from "node:http2"; import { pino } from "pino";',
    },
    problems: 11,
    good: {
      "src/core/a.ts": 'import { randomBytes } from "node:crypto"; import { z } from "zod";',
      "src/core/a.test.ts": 'import { it } from "vitest";',
      "src/cli/doctor/a.ts": 'import { Redis } from "ioredis"; import { request } from "node:http";',
    },
  },
  {
    name: "what runs in production needs no package that only developers install",
    rule: packagesAreDependencies(Object.keys(manifest.dependencies)),
    bad: { "src/kit/a.ts": 'import express from "express"; import { oxc } from "@oxc/parser";' },
    problems: 2,
    good: {
      "src/kit/a.ts": 'import { z } from "zod"; import { Migrator } from "kysely/migration"; import "node:fs";',
      "src/kit/a.test.ts": 'import "vitest";',
    },
  },
  {
    name: "there are no barrels",
    rule: noBarrels,
    bad: { "src/kit/a.ts": 'export * from "./b.ts";\nexport const x = 1;', "src/kit/b.ts": 'export { c } from "./c.ts";\nexport type { D } from "./d.ts";' },
    problems: 2,
    good: { "src/kit/a.ts": 'export { c } from "./c.ts";\nexport const x = 1;' },
  },
  {
    name: "process.env is read by main.ts alone",
    rule: environmentIsReadOnce,
    bad: { "src/kit/a.ts": 'const x = process.env.HOME; const y = process["env"];', "src/kit/b.ts": 'import { env } from "node:process";' },
    problems: 3,
    good: { "src/main.ts": "const x = process.env;", "src/kit/a.test.ts": "const x = process.env.HOME;", "src/kit/c.ts": "const x = process.pid;" },
  },
  {
    name: "programs run by argv, never through a shell",
    rule: noShell,
    bad: {
      "src/kit/a.ts": 'import { exec } from "node:child_process";',
      "src/kit/b.ts": 'import { execSync as run } from "child_process";',
      "src/kit/c.ts": 'import * as all from "node:child_process";',
      "src/kit/d.ts": 'const options = { shell: true }; spawn("ls", [], { shell: "/bin/sh" });',
    },
    problems: 5,
    good: { "src/kit/a.ts": 'import { execFile, spawn } from "node:child_process"; spawn("ls", { shell: false }); const account = { shell: "/bin/sh" };' },
  },
  {
    name: "there is no any, and nothing silences the compiler",
    rule: noAny,
    bad: { "src/kit/a.ts": "const x: any = 1;\nconst y = x as any;\n// @ts-expect-error later\nconst z: string = 1;" },
    problems: 3,
    good: { "src/kit/a.ts": 'const x: unknown = "any"; // any of these' },
  },
  {
    name: "no error is swallowed without a word",
    rule: noSilentCatch,
    bad: { "src/kit/a.ts": "try { f(); } catch {}\np.catch(() => {});\np.catch(function () { });" },
    problems: 3,
    good: { "src/kit/a.ts": "try { f(); } catch { /* gone already */ }\ntry { f(); } catch { g(); }\np.catch(() => undefined);\np.then(() => {});" },
  },
  {
    name: "every export has a name",
    rule: exportsHaveNames,
    bad: { "src/kit/a.ts": "export default 1;" },
    problems: 1,
    good: { "web/vite.config.ts": "export default {};", "src/kit/a.ts": "export const x = 1;" },
  },
  {
    name: "every test runs",
    rule: testsAllRun,
    bad: { "src/kit/a.test.ts": "it.only('a', f); describe.skip('b', () => {}); test.todo('c');" },
    problems: 3,
    good: { "src/kit/a.test.ts": "it.each([])('b', f); it('c', (test) => test.skip('no room here'));" },
  },
  {
    name: "a test that may be left out says why in its title",
    rule: leftOutWithReason,
    bad: {
      "src/kit/a.test.ts": "it.skipIf(!isRoot)('a', f); describe.runIf(isRoot && has('curl'))('b', f);",
      "src/kit/b.test.ts": `it.skipIf(mode === 'veth' && !isRoot)(\`a hostile program, \${egress}\`, f); const later = test.skipIf(missing);`,
      "test/e2e/c.test.ts": "describe.skipIf(missing !== null).each([1])('c', f);",
    },
    problems: 5,
    good: {
      "src/kit/a.test.ts": "it.skipIf(missing !== null)(titled('a', missing), f); it.skipIf(!has('curl'))(titled('b', whyNoProgram('curl')), f);",
      "src/kit/b.test.ts": `describe.skipIf(missing !== null)(\`c (\${missing ?? ''})\`, f);`,
      "src/kit/c.test.ts": `it.skipIf(missing !== null)(missing === null ? 'd' : \`d (\${missing})\`, f);`,
    },
  },
  {
    name: "files are short",
    rule: filesAreShort({ product: 300, test: 400 }),
    bad: { "src/kit/a.ts": `${long(300)}f();`, "src/kit/a.test.ts": `${long(400)}f();`, "src/contract/internal/orchestrator.ts": `${long(400)}f();` },
    problems: 3,
    good: { "src/kit/a.ts": `${long(299)}f();\n\n`, "src/kit/a.test.ts": `${long(399)}f();` },
  },
  {
    name: "functions fit on a screen and take few things by position",
    rule: functionsAreSmall({ lines: 70, parameters: 3 }),
    bad: { "src/kit/a.ts": `function f() {${long(70)}}\nconst g = () => {${long(70)}};\nclass C { m(a, b, c, d) {} }\nconst h = (a, b, c, d) => a;` },
    problems: 4,
    good: {
      "src/kit/a.ts": `function f(a, b, c) {${long(69)}}\nfunction g(this: C, a, b, c) {}\ncommand.action((a, b, c, d) => a);`,
      "src/kit/a.test.ts": `describe("x", () => {${long(200)}});`,
    },
  },
];

describe.each(examples)("$name", ({ rule, bad, good, problems }) => {
  it("is noticed where it is broken", () => {
    expect(rule(files(bad))).toHaveLength(problems);
  });

  it("is not seen broken where it is kept", () => {
    expect(rule(files(good))).toEqual([]);
  });

  it("holds in this repository", () => {
    expect(rule(sources)).toEqual([]);
  });
});

describe("names", () => {
  it("that say nothing, or are not in kebab-case, are noticed", () => {
    const bad = [
      "src/kit/utils.ts",
      "src/kit/index.ts",
      "web/parts/helpers.tsx",
      "src/common/a.ts",
      "src/kit/camelCase.ts",
      "src/kit/types.test.ts",
      "web/App.tsx",
    ];
    expect(misnamed(bad)).toHaveLength(bad.length);
    expect(misnamed(["src/kit/a-b.ts", "src/db/migrations/0001-foundation.ts", "src/kit/a.service.test.ts", "vitest.config.ts"])).toEqual([]);
  });

  it("of decisions that are not numbered, or have the number of another, are noticed", () => {
    expect(misnumbered(["0001-a.md", "0001-b.md"])).toHaveLength(1);
    expect(misnumbered(["first.md", "0001-A.md"])).toHaveLength(2);
    expect(misnumbered(["0002-b.md", "0001-a.md"])).toEqual([]);
  });

  it("of files say what is in them", () => {
    expect(misnamed(listFiles(root, folders))).toEqual([]);
  });

  it("of decisions begin with their numbers", () => {
    expect(misnumbered(readdirSync(join(root, "docs", "decisions")))).toEqual([]);
  });
});

describe("the repository", () => {
  it("pins every package to one version", () => {
    const groups = z
      .looseObject({ optionalDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
    const versions = { ...manifest.dependencies, ...manifest.devDependencies, ...groups.optionalDependencies };
    expect(Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it("tells a newcomer what it is, how to set it up and what may be done with it", () => {
    const expected = ["README.md", "LICENSE", "CHANGELOG.md", "docs/SETUP.md", "docs/ARCHITECTURE.md", "docs/configuration.md", ".env.example"];
    expect(expected.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it("is looked at as a whole: no rule passes because there was nothing to read", () => {
    for (const folder of ["src/contract/", "src/kit/", "src/core/", "src/db/", "web/"]) expect(sources.some(({ path }) => path.startsWith(folder))).toBe(true);
    expect(sources.flatMap(({ imports }) => imports).filter(({ target }) => target !== undefined).length).toBeGreaterThan(sources.length);
  });

  it("has every file that its imports name", () => {
    const missing = sources.flatMap((file) =>
      file.imports
        .filter(({ target }) => target !== undefined && !existsSync(join(root, target.replace(/\?.*$/, ""))))
        .map(({ specifier }) => `${file.path}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  it("grants no exception that nobody needs any more", () => {
    const named = [...Object.keys(longFiles), ...Object.keys(longFunctions).map((key) => key.split(": ")[0] ?? ""), ...Object.keys(widerView)];
    expect(named.filter((path) => !sources.some((file) => file.path === path))).toEqual([]);
    expect(Object.keys(longFiles).filter((path) => (sources.find((file) => file.path === path)?.lineCount ?? 0) <= 300)).toEqual([]);
  });
});
