import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { silentLog } from "#kit/log.ts";
import { RunJournal } from "./run-journal.ts";
import { newRecord, type RunRecord } from "./run-record.ts";

const record = (given: Partial<RunRecord> = {}): RunRecord => ({
  ...newRecord({ uid: randomUUID(), attempt: 1, siteId: null, outputBytes: 1000 }),
  ...given,
});

async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), "backlot-journal-"));
  const settled: string[] = [];
  const open = (pageBytes = 64 * 1024) =>
    RunJournal.open({
      folder: join(folder, "journal"),
      log: silentLog(),
      pageBytes,
      settle: async (uids) => {
        settled.push(...uids);
      },
    });
  return {
    open,
    settled,
    file: (name: string) => join(folder, "journal", name),
    pages: () => readdir(join(folder, "journal")),
    // As a process that was killed: nothing is closed.
    begunAgain: async () => (await open()).begun.toSorted((one, other) => one.uid.localeCompare(other.uid)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const byUid = (records: readonly RunRecord[]) => records.toSorted((one, other) => one.uid.localeCompare(other.uid));

describe("the journal of runs", () => {
  it("knows after a crash what began and did not end, with what was noted of it", async () => {
    await using place = await makeFolder();
    const { journal } = await place.open();
    const all = [record(), record({ siteId: 7, attempt: 3 }), record(), record()];
    await Promise.all(all.map((each) => journal.begin(each)));
    const [first = record(), second = record(), withdrawn = record(), forgotten = record()] = all;
    const noted = { ...second, state: "running", process: { pid: 12, startTime: "34" }, startedAt: "2026-01-01T00:00:00.000Z", diskBeforeBytes: 5 } as const;
    journal.note(noted);
    await journal.withdraw(withdrawn.uid);
    journal.over(forgotten.uid);
    journal.forget(forgotten.uid);
    expect(await place.begunAgain()).toEqual(byUid([first, noted]));
  });

  it("takes the newest attempt of a run, wherever the older one stands", async () => {
    await using place = await makeFolder();
    const { journal } = await place.open(300);
    const one = record();
    await journal.begin(one);
    await journal.begin(record());
    await journal.begin({ ...one, attempt: 2 });
    expect((await place.pages()).length).toBeGreaterThan(1);
    expect((await place.begunAgain()).filter(({ uid }) => uid === one.uid)).toEqual([{ ...one, attempt: 2 }]);
  });

  it("says nothing by a line that a crash cut off, and all by those before it", async () => {
    await using place = await makeFolder();
    const { journal } = await place.open();
    const whole = record();
    await journal.begin(whole);
    const [page = ""] = await place.pages();
    const text = (await readFile(place.file(page), "latin1")).replaceAll("\0", "");
    await writeFile(place.file(page), text);
    appendFileSync(place.file(page), text.slice(0, 40));
    expect(await place.begunAgain()).toEqual([whole]);
  });

  it("removes a page when all of it is over, after what ended was settled, the oldest first", async () => {
    await using place = await makeFolder();
    const { journal } = await place.open(300);
    const all = Array.from({ length: 6 }, () => record());
    for (const each of all) await journal.begin(each);
    const pages = await place.pages();
    for (const each of all.slice(1)) journal.over(each.uid);
    await journal.close();
    expect(await place.pages()).toEqual(pages);
    expect(place.settled).toEqual([]);
    journal.over(all[0]?.uid ?? "");
    await expect.poll(place.pages, { timeout: 20_000 }).toEqual(pages.slice(-1));
    expect(place.settled.toSorted()).toEqual(
      all
        .slice(0, place.settled.length)
        .map(({ uid }) => uid)
        .toSorted(),
    );
    expect(place.settled.length).toBeGreaterThan(3);
  });

  it("does not keep all pages for one run that goes on and on", async () => {
    await using place = await makeFolder();
    const { journal } = await place.open(1200);
    const long = record({ siteId: 9 });
    await journal.begin(long);
    journal.note({ ...long, state: "running", process: { pid: 1, startTime: "2" } });
    for (let count = 0; count < 120; count += 1) {
      const short = record();
      await journal.begin(short);
      journal.over(short.uid);
    }
    await expect.poll(async () => (await place.pages()).length, { timeout: 20_000 }).toBeLessThan(8);
    const begun = await place.begunAgain();
    expect(begun.filter(({ uid }) => uid === long.uid)).toMatchObject([{ siteId: 9, state: "running", process: { pid: 1 } }]);
  });

  it("refuses a start that it cannot put down, takes the next one, and does not know of the first", async () => {
    await using place = await makeFolder();
    const { journal } = await place.open();
    await rename(place.file(""), `${place.file("").replace(/\/$/, "")}-away`);
    await expect(journal.begin(record())).rejects.toMatchObject({ code: "ENOENT" });
    await rename(`${place.file("").replace(/\/$/, "")}-away`, place.file("").replace(/\/$/, ""));
    const next = record();
    await journal.begin(next);
    expect(await place.begunAgain()).toEqual([next]);
  });
});
