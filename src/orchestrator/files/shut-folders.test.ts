// Where the platform is an ordinary user, and the site's program took the rights of folders away from their own owner.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { asOrdinaryUser, removeShut } from "../../../test/support/as-ordinary-user.ts";
import { Histories } from "../history/histories.ts";
import { zipFolder } from "./zip-folder.ts";

let outer: string;
const inside = (path: string): string => join(outer, "site", path);

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "backlot-shut-folders-"));
});
afterEach(() => removeShut(outer));

const shutAway = (act: () => Promise<void>): Promise<void> =>
  asOrdinaryUser(outer, async () => {
    mkdirSync(inside("public/data/inner"), { recursive: true });
    writeFileSync(inside("public/data/kept.txt"), "somebody's work");
    writeFileSync(inside("public/data/inner/too.txt"), "more of it");
    chmodSync(inside("public/data/inner"), 0o000);
    chmodSync(inside("public/data"), 0o000);
    await act();
  });
const jail = () => ({ root: inside(""), owner: null });

it("what a deletion takes with them can be brought back", () =>
  shutAway(async () => {
    const limits = { fileBytes: 1_000_000, bytes: 10_000_000, days: 30, versionsPerFile: 10 };
    const histories = new Histories({ folder: join(outer, "history"), limits, clock: systemClock, log: silentLog(), reservedBytes: 0, isHeld: () => true });
    await histories.keepTree({ siteId: 1, jail: jail() }, "public", { ended: "delete", by: null });
    for (const path of ["public/data/kept.txt", "public/data/inner/too.txt"]) expect((await histories.list(1, path)).versions).toHaveLength(1);
  }));

it("an archive has what is in them", () =>
  shutAway(async () => {
    const archive = (await buffer(zipFolder(jail(), ""))).toString("latin1");
    for (const path of ["public/data/kept.txt", "public/data/inner/too.txt"]) expect(archive).toContain(path);
  }));
