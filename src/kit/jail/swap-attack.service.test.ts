import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { plantPipes, swapFolders } from "../../../test/support/folder-swapper.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { deletePath, makeFolder, movePath, setExecutable } from "./change-path.ts";
import { copyPath } from "./copy-path.ts";
import { Draft, unlimited } from "./draft.ts";
import type { Jail } from "./jail.ts";
import { listFolder } from "./list-folder.ts";
import { openPublicFile } from "./public-file.ts";
import { openFile } from "./read-file.ts";
import { walkTree } from "./walk-tree.ts";
import { writeWhole } from "./write-file.ts";

let outer: string;
let jail: Jail;
let attacker: ChildProcess;
let planter: ChildProcess | undefined;
let secrets: string;

beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), "backlot-swap-"));
  secrets = join(outer, "secrets");
  jail = { root: join(outer, "site"), owner: null };
  mkdirSync(join(secrets, "inner"), { recursive: true });
  writeFileSync(join(secrets, "file"), "canary");
  writeFileSync(join(secrets, "inner/file"), "canary");
  mkdirSync(join(jail.root, "public/inner"), { recursive: true });
  mkdirSync(join(jail.root, "dir/inner"), { recursive: true });
  writeFileSync(join(jail.root, "public/file"), "mine");
  for (const folder of ["dir", "public/inner", "dir/inner"]) {
    writeFileSync(join(jail.root, folder, "file"), "mine");
    symlinkSync(secrets, join(jail.root, `${folder}.link`));
  }
  attacker = await swapFolders(jail.root, ["dir", "public/inner", "dir/inner"]);
});
afterEach(async () => {
  for (const program of [attacker, planter]) {
    if (program?.kill("SIGKILL") === true) await once(program, "exit");
  }
  planter = undefined;
  rmSync(outer, { recursive: true });
});

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

type Outcomes = Readonly<Record<string, number>>;

async function during(ms: number, act: (round: number) => Promise<unknown> | unknown, wants?: (outcomes: Outcomes) => boolean): Promise<Outcomes> {
  const outcomes: Record<string, number> = {};
  const beganAt = Date.now();
  // A busy machine does less in the same time: those who ask for both outcomes get the time for it, unless what they must not do is done.
  const isWanting = (): boolean => wants?.(outcomes) === false && Date.now() - beganAt < 20_000 && !isTouched();
  const goesOn = (): boolean => Date.now() - beganAt < ms || isWanting();
  for (let round = 0; goesOn(); round += 1) {
    let outcome = "done";
    try {
      await act(round);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      outcome = error.code;
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}

/** Both outcomes occurred often enough, or the attack was none. */
function isMixed(outcomes: Outcomes): boolean {
  return (outcomes.done ?? 0) > 10 && (outcomes.path_outside_site ?? 0) > 10;
}

function isTouched(): boolean {
  try {
    expectUntouched();
    return false;
  } catch {
    return true;
  }
}

function expectUntouched(): void {
  expect(readdirSync(secrets).toSorted()).toEqual(["file", "inner"]);
  expect(readdirSync(join(secrets, "inner"))).toEqual(["file"]);
  for (const file of ["file", "inner/file"]) {
    expect(readFileSync(join(secrets, file), "utf8")).toBe("canary");
    expect(lstatSync(join(secrets, file)).mode & 0o7777).toBe(0o644);
  }
}

describe.skipIf(whyNotPython() !== null)(titled("while folders are swapped for links that lead out", whyNotPython()), () => {
  it("nothing outside is ever read", async () => {
    const before = openDescriptors();
    const read = await during(
      1500,
      async () => {
        using file = openFile(jail, "dir/inner/file");
        expect(await text(file.stream(0, file.size))).toBe("mine");
      },
      isMixed,
    );
    const served = await during(
      1000,
      async () => {
        const found = openPublicFile({ root: jail.root, path: ["inner", "file"] });
        if (found.kind !== "file") throw new Failure("path_outside_site");
        expect(await text(found.file.stream(0, found.file.size))).toBe("mine");
      },
      isMixed,
    );
    await during(700, async () => {
      const names = (await listFolder(jail, "dir")).entries.map((entry) => entry.name).filter((name) => name !== "inner" && name !== "inner.link");
      expect(names).toEqual(["file"]);
    });
    await during(700, async () => {
      for await (const entry of walkTree(jail, "dir")) {
        if (!entry.stat.isFile()) continue;
        using file = entry.open();
        expect(await text(file.stream(0, file.size))).toBe("mine");
      }
    });
    for (const outcomes of [read, served]) expect(isMixed(outcomes), JSON.stringify(outcomes)).toBe(true);
    expect(openDescriptors()).toBe(before);
  }, 180_000);

  it("nothing outside is ever written, made, moved, changed or deleted", async () => {
    const before = openDescriptors();
    const source = [Buffer.from("overwritten")];
    const written = await during(1500, () => writeWhole(jail, "dir/inner/file", { source }), isMixed);
    await during(600, (round) => writeWhole(jail, `dir/new${round % 5}/file`, { source }));
    await during(500, (round) => makeFolder(jail, `dir/made${round % 5}/x`));
    await during(500, () => setExecutable(jail, "dir/file", true));
    const handled = await during(
      700,
      async (round) => {
        await using draft = new Draft(jail);
        await draft.write(Buffer.from("over"), 0);
        await draft.write(Buffer.from("written"), 4);
        await draft.commit(round % 2 === 0 ? "dir/inner/file" : `dir/inner/handle${round % 5}`);
      },
      isMixed,
    );
    await during(700, async (round) => {
      await movePath(jail, "dir/file", `public/moved${round}`);
      await movePath(jail, `public/moved${round}`, "dir/file");
    });
    await during(700, async (round) => {
      await makeFolder(jail, `dir/gone${round}/deep`);
      await deletePath(jail, `dir/gone${round}`, { recursive: true });
    });
    await during(500, () => deletePath(jail, "dir/inner/file", { recursive: true }));
    attacker.kill("SIGSTOP");
    expectUntouched();
    for (const outcomes of [written, handled]) expect(isMixed(outcomes), JSON.stringify(outcomes)).toBe(true);
    expect(openDescriptors()).toBe(before);
    // Nothing unfinished stays, neither inside nor beside the site.
    expect(execFileSync("find", [outer, "-name", ".backlot-tmp-*"], { encoding: "utf8" })).toBe("");
  }, 180_000);

  it("a folder under deletion takes nothing outside with it", async () => {
    for (let round = 0; round < 40; round += 1) {
      await writeWhole(jail, `box${round}/a/b/file`, { source: [Buffer.from("x")] });
      symlinkSync(secrets, join(jail.root, `box${round}/a/out`));
      symlinkSync(secrets, join(jail.root, `box${round}/out`));
      await deletePath(jail, `box${round}`, { recursive: true });
    }
    await during(500, () => deletePath(jail, "dir", { recursive: true }));
    expectUntouched();
  }, 180_000);

  it("pipes that are planted in the place of files are refused or replaced, and nobody waits at one", async () => {
    planter = await plantPipes(jail.root, ["piped", "public/piped"]);
    const before = openDescriptors();
    const isRefused = (outcomes: Outcomes): boolean => (outcomes.done ?? 0) > 3 && Object.keys(outcomes).length > 1;
    const source = [Buffer.from("mine")];
    const met: Record<string, Outcomes> = {};
    const meet = async (name: string, act: (round: number) => Promise<unknown> | unknown): Promise<void> => {
      met[name] = await during(400, timed(act), isRefused);
    };
    await meet("open", async () => {
      using file = openFile(jail, "piped");
      expect(["mine", ""]).toContain(await text(file.stream(0, file.size)));
    });
    await meet("serve", async () => {
      const found = openPublicFile({ root: jail.root, path: ["piped"] });
      if (found.kind !== "file") throw new Failure("file_special", { path: "piped" });
      expect(["mine", ""]).toContain(await text(found.file.stream(0, found.file.size)));
      found.file[Symbol.dispose]();
    });
    await meet("write", () => writeWhole(jail, "piped", { source }));
    await meet("handle", async () => {
      await using draft = new Draft(jail);
      await draft.write(source[0] ?? Buffer.alloc(0), 0);
      await draft.commit("piped");
    });
    await meet("copy", (round) => copyPath(jail, { from: "piped", to: `copied${round}` }, { ...unlimited, entries: 1000 }));
    for (const outcomes of Object.values(met)) expect(isRefused(outcomes), JSON.stringify(met)).toBe(true);
    // A pipe may be listed, moved and deleted as everything else.
    await during(
      300,
      timed(() => listFolder(jail, "")),
    );
    await during(
      300,
      timed(() => setExecutable(jail, "piped", true)),
    );
    await during(
      300,
      timed((round) => movePath(jail, "piped", `moved${round}`)),
    );
    await during(
      300,
      timed(() => deletePath(jail, "piped", { recursive: false })),
    );
    await during(
      300,
      timed(async () => {
        for await (const entry of walkTree(jail, "public")) {
          if (!entry.stat.isFile()) continue;
          using file = entry.open();
          await text(file.stream(0, file.size));
        }
      }),
    );
    for (const program of [attacker, planter]) program.kill("SIGSTOP");
    expectUntouched();
    expect(openDescriptors()).toBe(before);
  }, 180_000);
});

/** Nothing takes longer than a busy machine does: who waits at a pipe is let go after a minute only. */
function timed(act: (round: number) => Promise<unknown> | unknown): (round: number) => Promise<void> {
  return async (round) => {
    const beganAt = Date.now();
    try {
      await act(round);
    } finally {
      expect(Date.now() - beganAt).toBeLessThan(20_000);
    }
  };
}
