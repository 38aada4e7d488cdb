// What a person finds in a site's files without changing them: searches, archives, and files that are no text.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { By, Key, until } from "selenium-webdriver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { EditorPage } from "../support/editor-page.ts";
import { runClient } from "../support/ftp-clients.ts";
import { firstMissing, titled, whyNoBrowser, whyNotPython } from "../support/needs.ts";

const missing = firstMissing(whyNoBrowser(), whyNotPython());

const page = "<!doctype html>\n<h1>first</h1>\n";

describe.skipIf(missing !== null)(titled("the editor", missing), { timeout: 180_000 }, () => {
  let backlot: Backlot;
  let admin: Person;
  /** One browser for all: starting one takes longer than most of these tests. */
  let editor: EditorPage;
  beforeAll(async () => {
    backlot = await startBacklot({ environment: { BACKLOT_UNISOLATED_FOR_ALL: "true" } });
    admin = await backlot.admin();
    await siteWith("various", { "public/index.html": page });
    editor = await EditorPage.open(backlot, { user: "admin", site: "various", place: "files/" });
  }, 180_000);
  afterAll(async () => {
    await editor?.[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
  });

  async function siteWith(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    await admin.createSite(name, "static");
    for (const [path, text] of Object.entries(files)) await admin.put(name, path, text);
  }
  async function goTo(site: string, place: string): Promise<void> {
    await editor.go(place, site);
    // Of the page that was left.
    await editor.complaints();
  }
  const stored = async (site: string, path: string): Promise<string> => (await admin.get(site, path)).toString();

  test("the search in the site finds lines and leads to them", async () => {
    const lines = Array.from({ length: 300 }, (_, index) => `line ${index + 1}`).join("\n");
    await siteWith("searched", { "public/index.html": page, "private/long.txt": `${lines}\nthe needle\n`, "private/other.txt": "no" });
    await goTo("searched", "files/");
    await editor.browser.click("Search");
    await editor.browser.fill("Search in the site", "Needle");
    await editor.browser.sees("1 place in 1 file.");
    await editor.browser.driver.findElement(By.xpath('//button[.//mark[text()="needle"]]')).click();
    await editor.shows("private/long.txt", "the needle");
    await editor.browser.sees("301:");
    await editor.browser.click("Tell upper and lower case apart");
    await editor.browser.sees("Nothing found in");
  });

  test("the search in a file marks all places, goes from one to the next, and replaces them", async () => {
    const lines = Array.from({ length: 400 }, (_, index) => (index % 100 === 50 ? `needle ${index}` : `line ${index}`));
    await siteWith("sought", { "public/long.txt": lines.join("\n") });
    const path = "public/long.txt";
    await goTo("sought", `edit/${path}`);
    const { driver } = editor.browser;
    const chosen = (): Promise<string> =>
      driver.executeScript('return document.querySelector(".cm-searchMatch-selected")?.closest(".cm-line").textContent ?? ""');
    await editor.shows(path, "line 0");
    await (await editor.browser.area(path)).sendKeys(Key.chord(Key.CONTROL, Key.HOME), Key.chord(Key.CONTROL, "f"));
    await editor.browser.fill("Find", "NEEDLE");
    const find = await editor.browser.field("Find");
    // Lines far below are drawn when they are come to.
    for (const line of ["needle 50", "needle 150", "needle 250", "needle 350", "needle 50"]) {
      await find.sendKeys(Key.ENTER);
      await expect.poll(chosen, { timeout: 20_000 }).toBe(line);
    }
    await driver.findElement(By.css('.cm-search input[name="case"]')).click();
    await expect.poll(async () => (await driver.findElements(By.css(".cm-searchMatch"))).length, { timeout: 20_000 }).toBe(0);
    await driver.findElement(By.css('.cm-search input[name="case"]')).click();
    await editor.browser.fill("Replace", "thread");
    await driver.findElement(By.css('.cm-search button[name="replaceAll"]')).click();
    await find.sendKeys(Key.ESCAPE);
    await editor.browser.named("tab", `${path}, unsaved`);
    await editor.save();
    expect(await stored("sought", path)).toBe(lines.join("\n").replaceAll("needle", "thread"));
    expect(await editor.complaints()).toEqual([]);
  });

  test("a folder, and the whole site, are downloaded as zip archives that hold all of it", async () => {
    const picture = Buffer.from([0, 255, 1, 254]);
    await siteWith("packed", { "public/index.html": page, "public/deep/er/ä ö.txt": "umlauts", "private/notes.txt": "notes" });
    await admin.put("packed", "public/deep/dot.bin", picture);
    const folder = await mkdtemp(join(tmpdir(), "backlot-zip-"));
    try {
      await goTo("packed", "files/");
      await editor.downloadsInto(folder);
      const unpacked = async (name: string): Promise<string> => {
        // Under another name until it is whole.
        await expect.poll(() => readdir(folder), { timeout: 30_000 }).toContain(`${name}.zip`);
        const { code, output } = await runClient(["python3", "-m", "zipfile", "-e", join(folder, `${name}.zip`), join(folder, name)]);
        expect([code, output]).toEqual([0, ""]);
        return join(folder, name);
      };
      await editor.act("public", "Download as zip");
      const part = await unpacked("public");
      expect((await readdir(part, { recursive: true })).toSorted()).toEqual(["deep", "deep/dot.bin", "deep/er", "deep/er/ä ö.txt", "index.html"]);
      expect(await readFile(join(part, "index.html"), "utf8")).toBe(page);
      expect(await readFile(join(part, "deep/er/ä ö.txt"), "utf8")).toBe("umlauts");
      expect(await readFile(join(part, "deep/dot.bin"))).toEqual(picture);

      await editor.browser.click("More for all files");
      await editor.browser.choose("menuitem", "Download all as zip");
      const whole = await unpacked("packed");
      expect(await readFile(join(whole, "private/notes.txt"), "utf8")).toBe("notes");
      expect(await readFile(join(whole, "public/index.html"), "utf8")).toBe(page);
      expect(await editor.complaints()).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("the site's log stands beside the editor, follows, is searched, and is downloaded", async () => {
    await admin.createSite("talking", "dynamic");
    await admin.put("talking", "run.sh", "#!/bin/sh\necho the first words\necho a complaint >&2\nexit 3\n");
    await goTo("talking", "edit/run.sh");
    await editor.shows("run.sh", "the first words");
    const { driver } = editor.browser;
    await (await driver.wait(until.elementLocated(By.xpath("//button[normalize-space(.) = 'Log'][@aria-pressed]")), 20_000)).click();
    // While it is looked at: what the program says, and what visitors were told instead of an answer.
    expect((await backlot.visit("talking")).status).toBeGreaterThanOrEqual(500);
    const log = await editor.browser.named("log", "Lines");
    for (const part of ["the first words", "a complaint", "To a visitor:"]) await expect.poll(() => log.getText(), { timeout: 30_000 }).toContain(part);
    await editor.shows("run.sh", "the first words");
    await editor.browser.fill("Search the log", "complaint");
    await expect.poll(() => log.getText(), { timeout: 20_000 }).not.toContain("the first words");
    expect(await log.getText()).toContain("a complaint");
    const folder = await mkdtemp(join(tmpdir(), "backlot-log-"));
    try {
      await editor.downloadsInto(folder);
      await editor.browser.click("Download");
      // Under another name until it is whole; and all of it, not only what was searched for.
      await expect.poll(() => readdir(folder), { timeout: 30_000 }).toContain("talking.log");
      const lines = await readFile(join(folder, "talking.log"), "utf8");
      for (const line of [/^\S+Z stdout +the first words$/m, /^\S+Z stderr +a complaint$/m, /^\S+Z router +\S/m]) expect(lines).toMatch(line);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    expect(await editor.complaints()).toEqual([]);
  });

  test("pictures, sound, binary and large files are each shown as they can be", async () => {
    const picture = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
    await admin.put("various", "public/dot.png", picture);
    await admin.put("various", "public/drawing.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><rect width="9" height="9"/></svg>');
    await admin.put("various", "public/data.bin", new Uint8Array([0, 1, 2, 3]));
    await admin.put("various", "public/big.txt", "a line of text\n".repeat(90_000));
    await admin.put("various", "public/huge.txt", "a line of text\n".repeat(400_000));
    await goTo("various", "edit/public/dot.png");
    await editor.browser.sees("1 × 1 pixels");
    await editor.openInTree("public/drawing.svg");
    await editor.shows("public/drawing.svg", "<svg");
    await editor.browser.click("Picture");
    await editor.browser.sees("30 × 20 pixels");
    await editor.openInTree("public/data.bin");
    await editor.browser.sees("This is not a text file");
    await editor.browser.sees("Download 4 bytes");
    await editor.openInTree("public/big.txt");
    await editor.browser.sees("too large to be edited here");
    await editor.shows("public/big.txt", "a line of text");
    await editor.openInTree("public/huge.txt");
    await editor.browser.sees("This file has 6.0 MB.");
    expect(await editor.complaints()).toEqual([]);
  });

  test("sound, films and PDFs are played or opened, and what the browser cannot show says so", async () => {
    await siteWith("heard", { "public/index.html": page });
    await goTo("heard", "files/");
    const { driver } = editor.browser;
    // A film without pictures: no encoder is on the machine, and the browser looks at what it gets.
    await admin.put("heard", "public/film.webm", silence(16_000));
    await admin.put("heard", "public/silence.wav", silence(8_000));
    await admin.put("heard", "public/broken.mp3", "this is no sound");
    await admin.put("heard", "public/broken.png", "this is no picture");
    await admin.put("heard", "public/manual.pdf", "%PDF-1.4\n%%EOF\n");
    const facts = (kind: string): Promise<unknown> =>
      driver.executeScript(`const media = document.querySelector("${kind}"); return media && [media.duration, media.error, media.readyState > 0]`);
    await editor.go("edit/public/silence.wav");
    await expect.poll(() => facts("audio"), { timeout: 20_000 }).toEqual([1, null, true]);
    await editor.openInTree("public/film.webm");
    await expect.poll(() => facts("video"), { timeout: 20_000 }).toEqual([2, null, true]);
    for (const name of ["broken.mp3", "broken.png"]) {
      await editor.openInTree(`public/${name}`);
      await editor.browser.sees("The browser cannot show this file.");
    }
    await editor.openInTree("public/manual.pdf");
    const before = await driver.getWindowHandle();
    await editor.browser.click("Open manual.pdf");
    await driver.wait(async () => (await driver.getAllWindowHandles()).length === 2, 20_000);
    for (const handle of (await driver.getAllWindowHandles()).filter((each) => each !== before)) {
      await driver.switchTo().window(handle);
      expect(await driver.getCurrentUrl()).toMatch(/^blob:/);
      await driver.close();
    }
    await driver.switchTo().window(before);
  });
});

/** A second of silence: eight thousand samples of one byte each. */
function silence(samples: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write("WAVEfmt ", 8);
  for (const [at, value] of [
    [16, 16],
    [24, 8_000],
    [28, 8_000],
    [40, samples],
  ] as const)
    head.writeUInt32LE(value, at);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 1],
    [34, 8],
  ] as const)
    head.writeUInt16LE(value, at);
  head.write("data", 36);
  return Buffer.concat([head, Buffer.alloc(samples, 128)]);
}
