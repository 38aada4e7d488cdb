import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deletePath, makeFolder, movePath } from "./change-path.ts";
import { copyPath } from "./copy-path.ts";
import { unlimited } from "./draft.ts";
import type { Jail } from "./jail.ts";
import { otherSpellings } from "./look-alike.ts";
import { makeLink } from "./make-link.ts";
import { patchFile } from "./patch-file.ts";
import { readWhole } from "./read-file.ts";
import { writeWhole } from "./write-file.ts";

// é as one character, and as an e with its accent.
const [one, two] = ["\u00e9", "e\u0301"];
let jail: Jail;
const write = (path: string, content = "x") => writeWhole(jail, path, { source: [Buffer.from(content)] });
const names = (path = "") => readdirSync(join(jail.root, path)).sort();
const refused = { code: "path_invalid", message: expect.stringContaining("looks just like it") };

beforeEach(() => {
  jail = { root: mkdtempSync(join(tmpdir(), "backlot-look-")), owner: null };
  mkdirSync(join(jail.root, "f"));
  writeFileSync(join(jail.root, "f/other"), "other");
});
afterEach(() => rmSync(jail.root, { recursive: true }));

it("a name has other spellings only where a letter and its marks can be one or apart", () => {
  expect(["", "plain.txt", "中文", "ß", "👍"].map(otherSpellings)).toEqual([[], [], [], [], []]);
  expect([otherSpellings(one), otherSpellings(two)]).toEqual([[two], [one]]);
  expect(otherSpellings(`${one}${two}`)).toEqual([`${one}${one}`, `${two}${two}`]);
});

describe.each([
  [one, two],
  [two, one],
])("beside %j the name %j", (present, other) => {
  beforeEach(() => writeFileSync(join(jail.root, "f", present), "first"));
  afterEach(() => expect(names("f")).toEqual([present, "other"].sort()));

  it("is refused for writing, before any byte is taken", async () => {
    let isAsked = false;
    const source = (async function* () {
      isAsked = true;
      yield Buffer.from("x");
    })();
    await expect(writeWhole(jail, `f/${other}`, { source })).rejects.toMatchObject(refused);
    expect(isAsked).toBe(false);
    await expect(patchFile(jail, `f/${other}`, { source: [Buffer.from("x")], budget: unlimited })).rejects.toMatchObject(refused);
  });

  it("is refused for a folder, also on the way to something, and for a link", async () => {
    await expect(makeFolder(jail, `f/${other}`)).rejects.toMatchObject(refused);
    await expect(makeFolder(jail, `f/${other}/deep`)).rejects.toMatchObject(refused);
    await expect(write(`f/${other}/deep.txt`)).rejects.toMatchObject(refused);
    await expect(makeLink(jail, `f/${other}`, "other")).rejects.toMatchObject(refused);
  });

  it("is refused for what is moved or copied there", async () => {
    await expect(movePath(jail, "f/other", `f/${other}`)).rejects.toMatchObject(refused);
    for (const from of ["f/other", "f"]) await expect(copyPath(jail, { from, to: `f/${other}` }, { ...unlimited, entries: 10 })).rejects.toMatchObject(refused);
  });

  it("is still what the file can be renamed to, from this folder", async () => {
    mkdirSync(join(jail.root, "g"));
    writeFileSync(join(jail.root, "g", present), "second");
    await expect(movePath(jail, `g/${present}`, `f/${other}`)).rejects.toMatchObject(refused);
    await movePath(jail, `f/${present}`, `f/${other}`);
    expect(names("f")).toEqual([other, "other"].sort());
    await movePath(jail, `f/${other}`, `f/${present}`);
  });

  it("is fine in another folder", async () => {
    await write(`g/${other}`);
    expect(names("g")).toEqual([other]);
  });
});

it("of two that look alike and come at once one is there", async () => {
  const both = (index: number) => [write(`f/${index}${one}`), write(`f/${index}${two}`)];
  const results = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => both(index)).flat());
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(40);
  expect(names("f")).toHaveLength(41);
});

it("two that are there already, made by the site's program, can be read, written, moved and deleted", async () => {
  for (const name of [one, two]) writeFileSync(join(jail.root, "f", name), name);
  mkdirSync(join(jail.root, "d"));
  for (const name of [one, two]) mkdirSync(join(jail.root, "d", name));
  symlinkSync("other", join(jail.root, "f/way"));
  await write(`f/${two}`, "written");
  expect([readFileSync(join(jail.root, "f", one), "utf8"), Buffer.from(await readWhole(jail, `f/${two}`, 100)).toString()]).toEqual([one, "written"]);
  await write(`d/${two}/new.txt`);
  await makeFolder(jail, `d/${two}`);
  await movePath(jail, `f/${two}`, "f/plain");
  await deletePath(jail, `f/${one}`, { recursive: false });
  expect(names("f")).toEqual(["other", "plain", "way"]);
});

it("a name whose other spelling is longer than a disk takes is no reason to refuse it", async () => {
  const long = one.repeat(120);
  await write(`f/${long}`);
  expect(names("f")).toContain(long);
});
