import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { swapFolders } from "../../../test/support/folder-swapper.ts";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { deletePath, makeFolder, movePath, setExecutable } from "./change-path.ts";
import type { Jail } from "./jail.ts";
import { listFolder } from "./list-folder.ts";
import { openPublicFile } from "./public-file.ts";
import { openFile } from "./read-file.ts";
import { walkTree } from "./walk-tree.ts";
import { writeWhole } from "./write-file.ts";

let outer: string;
let jail: Jail;
let attacker: ChildProcess;
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
  attacker.kill("SIGKILL");
  await once(attacker, "exit");
  rmSync(outer, { recursive: true });
});

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

async function during(ms: number, act: (round: number) => Promise<unknown> | unknown, wantsBoth = false): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {};
  const beganAt = Date.now();
  // A busy machine does less in the same time: those who ask for both outcomes get the time for it.
  const goesOn = (): boolean => Date.now() - beganAt < ms || (wantsBoth && !isMixed(outcomes) && Date.now() - beganAt < 20_000);
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
function isMixed(outcomes: Readonly<Record<string, number>>): boolean {
  return (outcomes.done ?? 0) > 10 && (outcomes.path_outside_site ?? 0) > 10;
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
      true,
    );
    const served = await during(
      1000,
      async () => {
        const found = openPublicFile({ root: jail.root, path: ["inner", "file"] });
        if (found.kind !== "file") throw new Failure("path_outside_site");
        expect(await text(found.file.stream(0, found.file.size))).toBe("mine");
      },
      true,
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
  });

  it("nothing outside is ever written, made, moved, changed or deleted", async () => {
    const before = openDescriptors();
    const source = [Buffer.from("overwritten")];
    const written = await during(1500, () => writeWhole(jail, "dir/inner/file", { source }), true);
    await during(600, (round) => writeWhole(jail, `dir/new${round % 5}/file`, { source }));
    await during(500, (round) => makeFolder(jail, `dir/made${round % 5}/x`));
    await during(500, () => setExecutable(jail, "dir/file", true));
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
    expect(isMixed(written), JSON.stringify(written)).toBe(true);
    expect(openDescriptors()).toBe(before);
    // Nothing unfinished stays, neither inside nor beside the site.
    expect(execFileSync("find", [outer, "-name", ".backlot-tmp-*"], { encoding: "utf8" })).toBe("");
  });

  it("a folder under deletion takes nothing outside with it", async () => {
    for (let round = 0; round < 40; round += 1) {
      await writeWhole(jail, `box${round}/a/b/file`, { source: [Buffer.from("x")] });
      symlinkSync(secrets, join(jail.root, `box${round}/a/out`));
      symlinkSync(secrets, join(jail.root, `box${round}/out`));
      await deletePath(jail, `box${round}`, { recursive: true });
    }
    await during(500, () => deletePath(jail, "dir", { recursive: true }));
    expectUntouched();
  });
});
