// scripts/prepare.mjs as npm runs it: in a folder of its own, with an npm, a Vite and programs that only write down how they were called.
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";

const checkout = join(import.meta.dirname, "..");
const scripts = join(checkout, "scripts");
const startPrograms = ["bwrap", "unshare", "ip", "nft", "socat"];
const vite = `
  const fs = require("node:fs");
  const out = process.argv[process.argv.indexOf("--outDir") + 1];
  fs.appendFileSync("calls", "vite " + process.argv.slice(2, 4).join(" ") + "\\n");
  if (fs.existsSync("vite-fails")) { console.error("[vite] no such thing"); process.exit(1); }
  fs.mkdirSync(out, { recursive: true });
  if (process.argv[3] === "web") fs.writeFileSync(out + "/index.html", fs.readFileSync("web/index.html"));
  else {
    const { size, mtimeMs } = fs.statSync("src/main.ts");
    fs.writeFileSync(out + "/sources.json", JSON.stringify({ "src/main.ts": size + " " + mtimeMs }));
  }
`;
const npm = `
  const fs = require("node:fs");
  fs.appendFileSync("calls", "npm " + process.argv.slice(2).join(" ") + " in " + process.env.PWD + "\\n");
  if (fs.existsSync("npm-fails")) { console.error("npm error network is away"); process.exit(1); }
  fs.rmSync("node_modules", { recursive: true, force: true });
  fs.mkdirSync("node_modules/vite/bin", { recursive: true });
  fs.writeFileSync("node_modules/vite/bin/vite.js", ${JSON.stringify(vite)});
`;

let root: string;
let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "backlot-prepare-"));
  root = join(base, "a folder with 'spaces'");
  for (const folder of ["bin", "scripts"]) await cp(join(checkout, folder), join(root, folder), { recursive: true });
  await mkdir(join(root, "web"));
  await mkdir(join(root, "src", "contract"), { recursive: true });
  await mkdir(join(base, "bin"));
  await writeFile(join(root, "package-lock.json"), "{}");
  await writeFile(join(root, "web", "index.html"), "first");
  await writeFile(join(root, "src", "contract", "site.ts"), "export {};");
  await writeFile(join(base, "npm.js"), npm);
  await writeFile(join(root, "calls"), "");
  await addPrograms(startPrograms);
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function addPrograms(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await writeFile(join(base, "bin", name), "");
    await chmod(join(base, "bin", name), 0o755);
  }
}

function environment(): Record<string, string> {
  return {
    PATH: join(base, "bin"),
    npm_execpath: join(base, "npm.js"),
    npm_node_execpath: process.execPath,
    // An ordinary user, whoever runs the tests: nothing of the system is touched.
    NODE_OPTIONS: `--import data:text/javascript,process.getuid=()=>1000`,
  };
}

async function prepare(purpose: string): Promise<{ readonly code: number; readonly output: string; readonly calls: readonly string[] }> {
  await writeFile(join(root, "calls"), "");
  const run = promisify(execFile)(process.execPath, [join(root, "scripts", "prepare.mjs"), purpose], { env: environment() });
  const { code, stdout, stderr } = await run.then(
    (result) => ({ ...result, code: 0 }),
    (error: unknown) => z.object({ code: z.int(), stdout: z.string(), stderr: z.string() }).parse(error),
  );
  return { code, output: stdout + stderr, calls: (await readFile(join(root, "calls"), "utf8")).split("\n").filter(Boolean) };
}

const installs = (): string => `npm ci --include=dev --no-audit --no-fund in ${root}`;

describe("the preparation of a checkout", () => {
  it("installs and builds at the first start, and does nothing at the second", async () => {
    const first = await prepare("start");
    expect(first).toMatchObject({ code: 0, calls: [installs(), "vite build web"] });
    expect(first.output).toMatch(/^Installing packages from the lock file … [\d.]+ s\nBuilding the dashboard … [\d.]+ s\n$/);
    expect(await readFile(join(root, "web", "dist", "index.html"), "utf8")).toBe("first");
    expect(await prepare("start")).toEqual({ code: 0, output: "", calls: [] });
  });

  it("installs again when the lock file changed, or when somebody removed node_modules", async () => {
    await prepare("start");
    await writeFile(join(root, "package-lock.json"), '{"other": 1}');
    expect((await prepare("check")).calls).toEqual([installs()]);
    await rm(join(root, "node_modules"), { recursive: true });
    expect((await prepare("check")).calls).toEqual([installs()]);
  });

  it("builds the dashboard again when its sources or the contract changed, but not for its tests", async () => {
    await prepare("start");
    await writeFile(join(root, "web", "index.html"), "second");
    expect((await prepare("test")).calls).toEqual(["vite build web"]);
    expect(await readFile(join(root, "web", "dist", "index.html"), "utf8")).toBe("second");
    await writeFile(join(root, "src", "contract", "site.ts"), "export const more = 1;");
    expect((await prepare("start")).calls).toEqual(["vite build web"]);
    await writeFile(join(root, "web", "page.test.tsx"), "");
    expect((await prepare("start")).calls).toEqual([]);
  });

  it("builds the program again when a source of it changed, and goes on without it when that fails", async () => {
    await writeFile(join(root, "src", "main.ts"), "export {};");
    const build = "vite build --config";
    expect((await prepare("start")).calls).toEqual([installs(), "vite build web", build]);
    expect(await prepare("start")).toEqual({ code: 0, output: "", calls: [] });
    await writeFile(join(root, "src", "main.ts"), "export const more = 1;");
    expect((await prepare("test")).calls).toEqual([build]);
    await writeFile(join(root, "src", "main.ts"), "export const even = 'more';");
    await writeFile(join(root, "vite-fails"), "");
    const failed = await prepare("start");
    expect(failed).toMatchObject({ code: 0, calls: [build] });
    expect(failed.output).toContain("[vite] no such thing\nThe program could not be built; it starts from its sources, a second slower.\n");
    expect(await readdir(join(root, "dist"))).toEqual(["program"]);
  });

  it("checks without a dashboard and without a program", async () => {
    await writeFile(join(root, "src", "main.ts"), "export {};");
    expect((await prepare("check")).calls).toEqual([installs()]);
    expect([existsSync(join(root, "web", "dist")), existsSync(join(root, "dist"))]).toEqual([false, false]);
  });

  it("says what npm said when it fails, and tries again the next time", async () => {
    await writeFile(join(root, "npm-fails"), "");
    const failed = await prepare("start");
    expect(failed).toMatchObject({ code: 1, calls: [installs()] });
    expect(failed.output).toContain("npm error network is away");
    expect(failed.output).toContain("check the network and run the same command again");
    await rm(join(root, "npm-fails"));
    expect((await prepare("start")).code).toBe(0);
  });

  it("keeps the dashboard of before when a build fails, and does not take it for the new one", async () => {
    await prepare("start");
    await writeFile(join(root, "web", "index.html"), "second");
    await writeFile(join(root, "vite-fails"), "");
    const failed = await prepare("start");
    expect(failed.code).toBe(1);
    expect(failed.output).toContain("[vite] no such thing");
    expect(await readFile(join(root, "web", "dist", "index.html"), "utf8")).toBe("first");
    expect((await readdir(join(root, "node_modules", ".cache")).catch(() => [])).filter((name) => name.startsWith("dashboard-"))).toEqual([]);
    await rm(join(root, "vite-fails"));
    expect((await prepare("start")).calls).toEqual(["vite build web"]);
  });

  it("tells an ordinary user what is missing and what will not work, and goes on", async () => {
    await prepare("start");
    await rm(join(base, "bin", "bwrap"));
    await addPrograms(
      "python3 curl nginx chromedriver rabbitmqctl pg_createcluster supervisord lftp tnftp ssh rsync dockerd busybox haproxy redis-server openssl".split(" "),
    );
    const started = await prepare("start");
    expect(started.code).toBe(0);
    expect(started.output).toBe(
      "Not installed here: bubblewrap. As root: apt-get install --no-install-recommends bubblewrap\n" +
        "  - without bubblewrap dynamic sites are not separated from each other: only administrators may run them\n",
    );
    expect((await prepare("test")).output).toBe(
      "Not root: the tests with a Docker Swarm, HAProxy, networks and limits of sites, and full disks are skipped.\n" +
        "Not installed here: bubblewrap, chromium. As root: apt-get install --no-install-recommends bubblewrap chromium\n" +
        "  - without bubblewrap dynamic sites are not separated from each other: only administrators may run them\n" +
        "  - without chromium the journey through the dashboard in a browser is skipped\n",
    );
  });

  it("happens once when two start at the same time", async () => {
    const both = [1, 2].map(() => spawn(process.execPath, [join(root, "scripts", "prepare.mjs"), "start"], { env: environment() }));
    expect(await Promise.all(both.map((child) => once(child, "exit")))).toEqual([
      [0, null],
      [0, null],
    ]);
    expect((await readFile(join(root, "calls"), "utf8")).trim().split("\n")).toEqual([installs(), "vite build web"]);
  });

  it("refuses a purpose that it does not know", async () => {
    expect(await prepare("lunch")).toMatchObject({ code: 2, output: "usage: node scripts/prepare.mjs start|test|check\n" });
  });
});

// What root's start does about a missing program, with an apt-get that only makes files, and Debian's policy in the folder of the test.
describe("missing packages of the system", () => {
  const install = "install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 bubblewrap";
  const aptGet = `#!/bin/sh
echo "$* ($DEBIAN_FRONTEND)" >> "$APT_CALLS"
[ "$1" = install ] || exit 0
"$APT_POLICY" nginx start; echo "a server may start: $?" >> "$APT_CALLS"
[ ! -e "$APT_CALLS.fails" ] || { echo "E: Unable to locate package bubblewrap"; exit 100; }
echo > "$APT_BIN/bwrap"; /bin/chmod 755 "$APT_BIN/bwrap"
`;
  const files = (): Record<"APT_CALLS" | "APT_POLICY" | "APT_BIN", string> => ({
    APT_CALLS: join(base, "apt"),
    APT_POLICY: join(base, "policy-rc.d"),
    APT_BIN: join(base, "bin"),
  });
  beforeEach(async () => {
    await rm(join(base, "bin", "bwrap"));
    await writeFile(join(base, "bin", "apt-get"), aptGet, { mode: 0o755 });
  });

  /** As `npm start` does it when this user is root. */
  async function provide(): Promise<{ readonly output: string; readonly calls: readonly string[] }> {
    await writeFile(files().APT_CALLS, "");
    const script = `process.getuid = () => 0;
      const { missingPrograms, provide } = await import(process.argv[1]);
      provide(process.argv[2], missingPrograms("start"), process.env.APT_POLICY);`;
    const argv = ["--input-type=module", "--eval", script, join(root, "scripts/prepare/packages.mjs"), root];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { env: { PATH: join(base, "bin"), ...files() } });
    return { output: stdout, calls: (await readFile(files().APT_CALLS, "utf8")).split("\n").filter(Boolean) };
  }

  it("are installed by root without a question and without a server that starts, and then nothing is missing", async () => {
    const first = await provide();
    expect(first.calls).toEqual(["update -q (noninteractive)", `${install} (noninteractive)`, "a server may start: 101"]);
    expect(first.output).toMatch(/^Installing bubblewrap … [\d.]+ s\n$/);
    expect(existsSync(files().APT_POLICY)).toBe(false);
    expect(await provide()).toEqual({ output: "", calls: [] });
  });

  it("that cannot be had are told with apt's words, and not asked for at each start", async () => {
    await writeFile(`${files().APT_CALLS}.fails`, "");
    const command = "apt-get install --no-install-recommends bubblewrap";
    const consequence = "  - without bubblewrap dynamic sites are not separated from each other: only administrators may run them\n";
    const failed = await provide();
    expect(failed.output.split("\n").slice(1).join("\n")).toBe(
      `E: Unable to locate package bubblewrap\nNot everything could be installed. Try: ${command}\n${consequence}`,
    );
    expect(await provide()).toEqual({ output: `Could not be installed a while ago: bubblewrap. Try: ${command}\n${consequence}`, calls: [] });

    const attempt = join(root, "node_modules/.cache/backlot-packages.json");
    const { packages } = z.object({ packages: z.array(z.string()) }).parse(JSON.parse(await readFile(attempt, "utf8")));
    expect(packages).toEqual(["bubblewrap"]);
    // Half a day later.
    await writeFile(attempt, JSON.stringify({ at: Date.now() - 12 * 60 * 60 * 1000, packages }));
    await rm(`${files().APT_CALLS}.fails`);
    expect((await provide()).output).toMatch(/^Installing bubblewrap … [\d.]+ s\n$/);
  });

  it("are asked for at once when another one is missing than the last time", async () => {
    await writeFile(`${files().APT_CALLS}.fails`, "");
    await provide();
    await rm(join(base, "bin", "socat"));
    expect((await provide()).calls).toContain(`${install} socat (noninteractive)`);
  });

  it("are only told where there is no apt-get", async () => {
    await rm(join(base, "bin", "apt-get"));
    expect((await provide()).output).toMatch(/^Not installed here: bubblewrap\. As root: apt-get install/);
  });
});

describe("while packages of the system are installed", () => {
  type WithoutStartingServers = (work: () => unknown, policy: string) => unknown;
  const load = async (): Promise<WithoutStartingServers> => {
    const module: { readonly withoutStartingServers: WithoutStartingServers } = await import(join(scripts, "prepare", "policy.mjs"));
    return module.withoutStartingServers;
  };

  it("no server may start, and afterwards everything is as before", async () => {
    const withoutStartingServers = await load();
    const policy = join(base, "policy-rc.d");
    const ask = (): unknown => spawnSync(policy, ["nginx", "start"]).status;
    expect(withoutStartingServers(ask, policy)).toBe(101);
    expect(existsSync(policy)).toBe(false);

    await writeFile(policy, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    expect(withoutStartingServers(ask, policy)).toBe(101);
    expect(ask()).toBe(0);
    expect(await readdir(base)).not.toContain("policy-rc.d.before-backlot");
  });

  it("puts things back also when the work fails, and after a run that was killed", async () => {
    const withoutStartingServers = await load();
    const policy = join(base, "policy-rc.d");
    const answer = (): string => {
      throw new Error("apt-get failed");
    };
    expect(() => withoutStartingServers(answer, policy)).toThrow("apt-get failed");
    expect(existsSync(policy)).toBe(false);

    // Killed in the middle: its own policy lies there, the administrator's beside it.
    await writeFile(`${policy}.before-backlot`, "#!/bin/sh\nexit 0\n");
    await writeFile(policy, "#!/bin/sh\n# Put here by Backlot while it installs packages.\nexit 101\n");
    withoutStartingServers(() => undefined, policy);
    expect(await readFile(policy, "utf8")).toBe("#!/bin/sh\nexit 0\n");
    expect(existsSync(`${policy}.before-backlot`)).toBe(false);
  });
});
