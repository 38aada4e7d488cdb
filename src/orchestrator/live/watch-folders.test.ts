import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { SiteChange } from "#contract/api/files.ts";
import type { Jail } from "#kit/jail/jail.ts";
import { setClock } from "../../../test/support/set-clock.ts";
import { watchFolders } from "./watch-folders.ts";

let root: string;
let end: AbortController;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "backlot-live-"));
  end = new AbortController();
  mkdirSync(join(root, "site/public/img"), { recursive: true });
  mkdirSync(join(root, "secret"));
});
afterEach(() => {
  end.abort();
  rmSync(root, { recursive: true });
});

const inside = (path: string): string => join(root, "site", path);
function watching(...folders: string[]): AsyncGenerator<SiteChange | null> {
  return watchFolders({ root: join(root, "site"), owner: null }, folders, end.signal);
}
/** Reads on until an event is as wanted. */
async function until(changes: AsyncGenerator<SiteChange | null>, isIt: (change: SiteChange) => boolean): Promise<SiteChange> {
  for (;;) {
    const { value, done } = await changes.next();
    if (done === true) throw new Error("the changes ended");
    if (value !== null && isIt(value)) return value;
  }
}
const touches = (name: string) => (change: SiteChange) => change.type === "changed" && change.names?.includes(name) === true;

it("tells of entries that come, change and go in the folders asked for, and not of what lies deeper", async () => {
  const changes = watching("", "public");
  expect((await changes.next()).value).toEqual({ type: "open" });
  writeFileSync(inside("public/img/deep.png"), "x");
  writeFileSync(inside("public/a.txt"), "x");
  expect(await until(changes, () => true)).toEqual({ type: "changed", folder: "public", names: ["a.txt"] });
  writeFileSync(inside("public/a.txt"), "yy");
  expect(await until(changes, touches("a.txt"))).toMatchObject({ folder: "public" });
  renameSync(inside("public/a.txt"), inside("b.txt"));
  const both = [await until(changes, () => true), await until(changes, () => true)];
  expect(both).toContainEqual({ type: "changed", folder: "public", names: ["a.txt"] });
  expect(both).toContainEqual({ type: "changed", folder: "", names: ["b.txt"] });
});

it("tells of many changes at once as many, and never of the platform's own temporary files", async () => {
  const changes = watching("public");
  await changes.next();
  writeFileSync(inside("public/.backlot-tmp-0123456789abcdef01234567"), "x");
  writeFileSync(inside("public/one"), "x");
  expect(await until(changes, () => true)).toEqual({ type: "changed", folder: "public", names: ["one"] });
  for (let number = 0; number < 200; number += 1) writeFileSync(inside(`public/f${number}`), "x");
  expect(await until(changes, () => true)).toEqual({ type: "changed", folder: "public", names: null });
});

it("tells when a folder goes and when it is back, and watches the new one then", async () => {
  const changes = watching("public/img", "missing");
  await changes.next();
  expect(await until(changes, () => true)).toEqual({ type: "gone", folder: "missing" });
  rmSync(inside("public/img"), { recursive: true });
  expect(await until(changes, (change) => change.type === "gone")).toEqual({ type: "gone", folder: "public/img" });
  mkdirSync(inside("public/img"));
  expect(await until(changes, () => true)).toEqual({ type: "changed", folder: "public/img", names: null });
  writeFileSync(inside("public/img/new.png"), "x");
  expect(await until(changes, touches("new.png"))).toMatchObject({ folder: "public/img" });
}, 20_000);

it("follows no link out: a folder that is swapped for one counts as gone", async () => {
  const changes = watching("public/img");
  await changes.next();
  rmSync(inside("public/img"), { recursive: true });
  symlinkSync(join(root, "secret"), inside("public/img"));
  expect(await until(changes, (change) => change.type === "gone")).toEqual({ type: "gone", folder: "public/img" });
  writeFileSync(join(root, "secret/file"), "x");
  mkdirSync(inside("other"));
  rmSync(inside("public/img"));
  mkdirSync(inside("public/img"));
  // The next that is told is that it is back, and nothing of the secret.
  expect(await until(changes, () => true)).toEqual({ type: "changed", folder: "public/img", names: null });
}, 20_000);

it("ends with its signal", async () => {
  const changes = watching("public");
  await changes.next();
  const next = changes.next();
  end.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});

/** A jail that counts how often something of it is opened. */
function countingJail(): Jail & { readonly opened: number } {
  const counting = {
    opened: 0,
    owner: null,
    get root(): string {
      counting.opened += 1;
      return join(root, "site");
    },
  };
  return counting;
}

it("looks at its folders a few times a second, however often their modes are changed", async () => {
  const jail = countingJail();
  const changes = watchFolders(jail, ["public", "public/img"], end.signal);
  await changes.next();
  const [before, beganAt] = [jail.opened, Date.now()];
  const told = until(changes, () => true);
  for (let round = 0; round < 100; round += 1) {
    for (const path of ["public", "public/img"]) chmodSync(inside(path), 0o755);
    await new Promise(setImmediate);
  }
  expect(await told).toMatchObject({ type: "changed", names: null });
  // Two folders a look.
  expect(jail.opened - before).toBeLessThanOrEqual(2 * ((Date.now() - beganAt) / 200 + 2));
});

it("only looks at a folder for a while in which far too much happens, and watches it again afterwards", async () => {
  const jail = countingJail();
  const changes = watchFolders(jail, ["public", "public/img"], end.signal);
  await changes.next();
  const before = jail.opened;
  for (let round = 0; round < 5_000; round += 1) for (const path of ["public", "public/img"]) chmodSync(inside(path), 0o755);
  for (const folder of ["public", "public/img"]) expect(await until(changes, () => true)).toEqual({ type: "changed", folder, names: null });
  expect(jail.opened - before).toBeLessThan(20);
  writeFileSync(inside("public/img/a.txt"), "x");
  expect(await until(changes, (change) => change.type === "changed" && change.folder === "public/img")).toMatchObject({ names: null });
  const writing = setInterval(() => writeFileSync(inside("public/img/a.txt"), "y"), 500);
  end.signal.addEventListener("abort", () => clearInterval(writing));
  expect(await until(changes, touches("a.txt"))).toMatchObject({ folder: "public/img" });
  clearInterval(writing);
});

it("watches a folder again after too much has happened in it, also when the machine's clock is set back meanwhile", async () => {
  const changes = watching("public");
  await changes.next();
  for (let number = 0; number < 600; number += 1) writeFileSync(inside(`public/f${number}`), "x");
  await until(changes, (change) => change.type === "changed" && change.names === null);
  setClock(-3_600_000);
  // Only who watches knows a name.
  const probe = setInterval(() => writeFileSync(inside("public/probe"), "x"), 500);
  try {
    await until(changes, touches("probe"));
  } finally {
    clearInterval(probe);
    vi.restoreAllMocks();
  }
}, 60_000);
