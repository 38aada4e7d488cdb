// The program that scripts/prepare/program.mjs makes, really built: of sources of its own, by the Vite and with the settings of this checkout.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";

const checkout = join(import.meta.dirname, "..");
let root: string;
const main = `import { greeting } from "#kit/greeting.ts";
import { readFileSync } from "node:fs";
interface Nothing { readonly that: "is there at run time" }
const beside = readFileSync(new URL("./kit/beside.txt", import.meta.url), "utf8");
const { late } = await import("./late.ts");
console.log(greeting, beside, late, new Error("x").stack?.includes("backlot-built"));
if (process.argv[3] === "fails") throw new TypeError("on line seven" satisfies string as Nothing as never);
`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "backlot-built-"));
  for (const path of ["bin", "scripts", "package.json", "package-lock.json"]) await cp(join(checkout, path), join(root, path), { recursive: true });
  await symlink(join(checkout, "node_modules"), join(root, "node_modules"));
  await mkdir(join(root, "src/kit"), { recursive: true });
  await mkdir(join(root, "src/cli"));
  await writeFile(join(root, "src/kit/beside.txt"), "found");
  await writeFile(join(root, "src/kit/greeting.ts"), 'import { z } from "zod";\nexport const greeting: string = z.string().parse("hello");\n');
  await writeFile(join(root, "src/late.ts"), 'export const late = "later";\n');
  await writeFile(join(root, "src/cli/main.ts"), "export const runCli = async (args: readonly string[]) => args.length;\n");
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  await writeFile(join(root, "src/main.ts"), main);
  await promisify(execFile)(process.execPath, [
    ...["--input-type=module", "--eval", "(await import(process.argv[1])).buildProgram(process.argv[2]);"],
    ...[join(root, "scripts/prepare/program.mjs"), root],
  ]);
});

/** What it says, and from what files it was loaded. */
async function run(...args: readonly string[]): Promise<{ readonly code: number; readonly said: string; readonly isBuilt: boolean }> {
  const trace = "data:text/javascript,process.on('exit',()=>console.log('loaded:'+process.env.NODE_LOADED))";
  const hook = `data:text/javascript,import{registerHooks}from'node:module';registerHooks({load(u,c,n){if(u.endsWith('/main.js'))process.env.NODE_LOADED='built';return n(u,c)}})`;
  const program = promisify(execFile)(process.execPath, ["--import", trace, "--import", hook, join(root, "bin/backlot.mjs"), ...args]);
  const { code, stdout, stderr } = await program.then(
    (result) => ({ ...result, code: 0 }),
    (error: unknown) => z.object({ code: z.int(), stdout: z.string(), stderr: z.string() }).parse(error),
  );
  const [said = "", loaded] = stdout.split("loaded:");
  return { code, said: said + stderr, isBuilt: loaded?.trim() === "built" };
}

it("says the same as the sources, finds what lies beside them, and tells their lines when something fails", async () => {
  const built = [await run("run"), await run("run", "fails")] as const;
  await rm(join(root, "dist"), { recursive: true });
  const plain = [await run("run"), await run("run", "fails")] as const;
  expect([...built, ...plain].map(({ isBuilt }) => isBuilt)).toEqual([true, true, false, false]);
  for (const [calm, failed] of [built, plain]) {
    expect([calm.code, calm.said]).toEqual([0, "hello found later true\n"]);
    expect(failed.code).toBe(1);
    expect(failed.said).toMatch(/TypeError: on line seven\n {4}at .*\/src\/main\.ts:7:\d+/);
  }
});

it("is not used any more as soon as a source changed, even by one that is as long, or one is gone", async () => {
  expect((await run("run")).isBuilt).toBe(true);
  await writeFile(join(root, "src/late.ts"), 'export const late = "LATER";\n');
  expect(await run("run")).toMatchObject({ isBuilt: false, said: expect.stringContaining("LATER") });
  await writeFile(join(root, "src/late.ts"), 'export const late = "later";\n');
  await utimes(join(root, "package-lock.json"), new Date(), new Date());
  expect((await run("run")).isBuilt).toBe(false);
});

it("is not used when half of it is there: it is put in place whole, and nothing else stays", async () => {
  expect(await readdir(join(root, "dist"))).toEqual(["program"]);
  await writeFile(join(root, "dist/program/sources.json"), '{"src/main.ts": "12');
  expect(await run("run")).toMatchObject({ code: 0, isBuilt: false });
});
