import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { By, Key } from "selenium-webdriver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changePath, folderListing } from "#contract/api/files.ts";
import { setMember } from "#contract/api/members.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { EditorPage } from "../support/editor-page.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();

const page = "<!doctype html>\n<h1>first</h1>\n<p>a</p>\n<p>b</p>\n<p>c</p>\n<p>last</p>\n";

describe.skipIf(missing !== null)(titled("the editor", missing), { timeout: 180_000 }, () => {
  let backlot: Backlot;
  let admin: Person;
  /** One browser a person: starting one takes longer than most of these tests. */
  const pages = new Map<string, EditorPage>();
  beforeAll(async () => {
    backlot = await startBacklot();
    admin = await backlot.admin();
    await backlot.addPerson("ben");
    await backlot.addPerson("vera");
  });
  afterAll(async () => {
    for (const page of pages.values()) await page[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
  });

  async function siteWith(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    await admin.createSite(name, "static");
    for (const [path, text] of Object.entries(files)) await admin.put(name, path, text);
    await admin.client.call(setMember, { params: { name, username: "ben" }, body: { role: "editor" } });
    await admin.client.call(setMember, { params: { name, username: "vera" }, body: { role: "viewer" } });
  }
  async function editorOf(user: string, site: string, place: string): Promise<EditorPage> {
    const known = pages.get(user);
    await known?.go(place, site);
    // Of the page that was left.
    await known?.complaints();
    const page = known ?? (await EditorPage.open(backlot, { user, site, place }));
    pages.set(user, page);
    return page;
  }
  const stored = async (site: string, path: string): Promise<string> => (await admin.get(site, path)).toString();

  test("a person opens a file by the tree, edits and saves it, and visitors get it", async () => {
    await siteWith("edited", { "public/index.html": page });
    const editor = await editorOf("admin", "edited", "files/");
    await editor.openInTree("public", "public/index.html");
    await editor.shows("public/index.html", "<h1>first</h1>");
    await editor.type("public/index.html", "end", "typed by a person");
    await editor.browser.named("tab", "public/index.html, unsaved");
    await editor.save();
    expect(await stored("edited", "public/index.html")).toBe(`${page}typed by a person`);
    expect((await backlot.visit("edited")).text).toContain("typed by a person");
    expect(await editor.complaints()).toEqual([]);
  });

  test("two people edit one file: what can be joined is joined, what cannot is chosen, and nothing is lost", async () => {
    await siteWith("shared", { "public/index.html": page });
    const path = "public/index.html";
    const mine = await editorOf("admin", "shared", `edit/${path}`);
    const theirs = await editorOf("ben", "shared", `edit/${path}`);
    await mine.shows(path, "last");
    await theirs.shows(path, "last");

    // Ben saves: the other tab has nothing unsaved and follows.
    await theirs.type(path, "begin", "<!-- ben was here -->");
    await theirs.save();
    await mine.shows(path, "ben was here");

    // Both change something: the second one to save is shown both, joined.
    await mine.type(path, "end", "admin was here");
    await theirs.type(path, "begin", "<!-- twice -->");
    await theirs.save();
    await mine.browser.sees("Somebody else changed this file.");
    await mine.pressSave();
    await mine.browser.sees("The changes do not touch each other");
    await mine.browser.click("Save the joined version");
    await mine.browser.sees("Saved");
    const joined = await stored("shared", path);
    expect(joined).toMatch(/^<!-- twice --><!-- ben was here --><!doctype html>/);
    expect(joined).toMatch(/<\/p>\nadmin was here$/);
    await theirs.shows(path, "admin was here");

    // Both change the same line: a person chooses, first the other's version …
    await mine.type(path, "begin", "mine");
    await theirs.type(path, "begin", "theirs");
    await theirs.save();
    await mine.browser.sees("Somebody else changed this file.");
    await mine.pressSave();
    await mine.browser.sees("Bring over from the left");
    await mine.browser.click("Take the other version");
    await mine.shows(path, "theirs<!-- twice");
    expect(await stored("shared", path)).toBe(`theirs${joined}`);
    // … then one's own.
    await mine.type(path, "begin", "mine");
    await theirs.type(path, "begin", "again ");
    await theirs.save();
    await mine.browser.sees("Somebody else changed this file.");
    await mine.pressSave();
    await mine.browser.click("Keep my version");
    await mine.browser.sees("Saved");
    expect(await stored("shared", path)).toBe(`minetheirs${joined}`);
    await theirs.shows(path, "minetheirs");
  });

  test("unsaved work and tabs are there again after a reload, and beside what was saved meanwhile", async () => {
    await siteWith("kept", { "public/index.html": page, "public/style.css": "body {}\n" });
    const path = "public/index.html";
    const editor = await editorOf("admin", "kept", "edit/public/style.css");
    await editor.shows("public/style.css", "body");
    await editor.openInTree(path);
    await editor.type(path, "end", "not saved");
    await editor.keepsDraft("not saved");
    await editor.browser.reload();
    await editor.shows(path, "not saved");
    await editor.browser.named("tab", `${path}, unsaved`);
    await editor.browser.named("tab", "public/style.css");
    expect(await stored("kept", path)).toBe(page);

    await admin.put("kept", path, `<!-- meanwhile -->${page}`);
    await editor.browser.reload();
    await editor.browser.sees("Somebody else changed this file.");
    await editor.pressSave();
    await editor.browser.click("Save the joined version");
    await editor.browser.sees("Saved");
    expect(await stored("kept", path)).toBe(`<!-- meanwhile -->${page}not saved`);
    await editor.browser.reload();
    await editor.shows(path, "not saved");
    await editor.browser.misses("Unsaved changes");
  });

  test("a viewer reads without being able to change anything, and is told why", async () => {
    await siteWith("watched", { "public/index.html": page });
    const editor = await editorOf("vera", "watched", "edit/public/index.html");
    await editor.browser.sees("your role here is viewer");
    await editor.type("public/index.html", "end", "no");
    await editor.pressSave();
    expect(await editor.text("public/index.html")).toBe(page);
    expect(await editor.browser.driver.findElements(By.xpath("//button[normalize-space(.)='Save']"))).toEqual([]);
    await editor.browser.driver
      .actions()
      .contextClick(await editor.inTree("public/index.html"))
      .perform();
    await editor.browser.sees("Download");
    await editor.browser.misses("Rename or move…");
    expect(await stored("watched", "public/index.html")).toBe(page);
  });

  test("files are renamed, moved, copied, made executable, deleted and brought back", async () => {
    await siteWith("ordered", { "public/index.html": page, "public/img/a.txt": "a", "public/img/b.txt": "b", "private/notes.txt": "notes" });
    const editor = await editorOf("admin", "ordered", "edit/private/notes.txt");
    await editor.shows("private/notes.txt", "notes");
    await editor.act("private/notes.txt", "Rename or move…");
    await editor.browser.fill("Path in the site", "private/diary.txt");
    await editor.browser.click("Rename or move");
    // The open tab goes with it.
    await editor.shows("private/diary.txt", "notes");
    expect(await stored("ordered", "private/diary.txt")).toBe("notes");

    await editor.openInTree("public");
    const { driver } = editor.browser;
    await driver
      .actions()
      .dragAndDrop(await editor.inTree("private/diary.txt"), await editor.inTree("public"))
      .perform();
    await editor.inTree("public/diary.txt");
    expect(await stored("ordered", "public/diary.txt")).toBe("notes");

    await editor.act("public/img", "Copy to…");
    await editor.browser.click("Copy");
    await editor.openInTree("public/img copy");
    await editor.inTree("public/img copy/b.txt");
    await editor.act("public/img copy/b.txt", "Make executable");
    await editor.browser.named("treeitem", "b.txt, executable");

    await admin.client.call(changePath, { params: { name: "ordered", "*": "public/img/empty/inner" }, body: { mkdir: true } });
    await editor.act("public/img", "Delete…");
    await editor.browser.click("Delete folder");
    await editor.goneFromTree("public/img");
    await expect(admin.get("ordered", "public/img/a.txt")).rejects.toThrow();
    // Each notice has an offer of its own; the newest stands last.
    await editor.browser.sees("img was deleted");
    await driver.findElement(By.xpath('(//button[normalize-space(.)="Undo"])[last()]')).click();
    await editor.browser.sees("img is back, with 2 files");
    expect(await stored("ordered", "public/img/b.txt")).toBe("b");
    expect(folderListing.parse(JSON.parse(await stored("ordered", "public/img/empty/"))).entries).toMatchObject([{ name: "inner", type: "folder" }]);
    expect(await editor.complaints()).toEqual([]);
  });

  test("a folder is uploaded by a drop onto the tree, and what others write appears by itself", async () => {
    await siteWith("filled", { "public/index.html": page });
    const folder = await mkdtemp(join(tmpdir(), "backlot-drop-"));
    try {
      await mkdir(join(folder, "gallery/more"), { recursive: true });
      await writeFile(join(folder, "gallery/one.txt"), "one");
      await writeFile(join(folder, "gallery/more/two.txt"), "two");
      const editor = await editorOf("admin", "filled", "files/");
      await editor.drop(await editor.inTree("public"), [join(folder, "gallery")]);
      await editor.browser.sees("2 of 2 files uploaded");
      expect(await stored("filled", "public/gallery/more/two.txt")).toBe("two");
      await editor.openInTree("public", "public/gallery", "public/gallery/more", "public/gallery/more/two.txt");
      await editor.shows("public/gallery/more/two.txt", "two");

      await admin.put("filled", "public/gallery/by-another.txt", "hello");
      await editor.inTree("public/gallery/by-another.txt");
      await admin.put("filled", "public/gallery/more/two.txt", "two and a half");
      await editor.shows("public/gallery/more/two.txt", "two and a half");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("earlier versions are listed, compared and restored", async () => {
    await siteWith("older", { "public/index.html": page });
    const path = "public/index.html";
    await admin.put("older", path, page.replace("first", "second"));
    const editor = await editorOf("ben", "older", `edit/${path}`);
    await editor.shows(path, "second");
    await editor.type(path, "end", "third");
    await editor.save();
    await editor.browser.click("History");
    await editor.browser.sees("by ben");
    const versions = await editor.browser.driver.findElements(By.css('[aria-label="Versions of index.html"] > li'));
    expect(versions).toHaveLength(2);
    await versions[1]?.click();
    await editor.browser.driver.wait(async () => (await editor.browser.driver.findElements(By.css(".cm-merge-a .cm-changedLine"))).length > 0, 20_000);
    await editor.browser.click("Restore");
    await editor.shows(path, "<h1>first</h1>");
    expect(await stored("older", path)).toBe(page);
    expect(await editor.complaints()).toEqual([]);
  });

  test("unsaved work outlives a session that ends, is shown to nobody else, and goes with who signs out", async () => {
    await siteWith("private", { "public/index.html": page });
    const path = "public/index.html";
    await using editor = await EditorPage.open(backlot, { user: "ben", site: "private", place: `edit/${path}` });
    const { browser } = editor;
    await editor.shows(path, "last");
    await editor.type(path, "end", "known to ben alone");
    await editor.keepsDraft("known to ben alone");
    await browser.driver.manage().deleteAllCookies();
    await editor.pressSave();
    await browser.sees("Your session has ended");
    await browser.click("Someone else");
    await browser.arrives(/sign-in/);

    const next = async (user: string): Promise<void> => {
      await editor.signIn(user);
      await browser.sees("Sites");
      await editor.go(`edit/${path}`);
      await editor.shows(path, "last");
    };
    const leave = async (user: string): Promise<void> => {
      await browser.click(`Menu of ${user}`);
      await browser.choose("menuitem", "Sign out");
    };
    await next("vera");
    expect(await editor.text(path)).toBe(page);
    await leave("vera");
    await browser.arrives(/sign-in/);

    await next("ben");
    await editor.shows(path, "known to ben alone");
    await leave("ben");
    await browser.sees("Sign out with unsaved work?");
    await browser.sees("not saved in 1 file");
    await browser.click("Cancel");
    await editor.shows(path, "known to ben alone");
    await leave("ben");
    await browser.click("Discard it and sign out");
    await browser.arrives(/sign-in/);
    expect(await editor.drafts()).toEqual([]);
    expect(await browser.driver.executeScript("return Object.keys(localStorage).filter((key) => key.includes('ben'))")).toEqual([]);
    await next("ben");
    expect(await editor.text(path)).toBe(page);
  });

  test("on a phone the tree comes from the side, and its keys lead to a file", async () => {
    await siteWith("small", { "public/index.html": page, "public/style.css": "body {}" });
    await using editor = await EditorPage.open(backlot, { user: "admin", site: "small", place: "files/" });
    await editor.resize(390, 844);
    await editor.browser.click("Show the files");
    const tree = await editor.browser.named("tree", "Files of small");
    await editor.inTree("public");
    await tree.sendKeys("pu", Key.ARROW_RIGHT);
    await editor.inTree("public/style.css");
    await tree.sendKeys("s", Key.ENTER);
    await editor.shows("public/style.css", "body {}");
    expect(await editor.browser.driver.executeScript("return document.documentElement.scrollWidth")).toBe(390);
  });
});
