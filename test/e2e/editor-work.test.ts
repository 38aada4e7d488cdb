// Unsaved work in a person's browser: it stays where it belongs, and whatever the browser does, files are opened.
import { By, Key, until } from "selenium-webdriver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { updateSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { EditorPage } from "../support/editor-page.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();
const page = "<!doctype html>\n<h1>first</h1>\n";
const path = "public/index.html";
/** Of the editor's panel; the site's pages have a link of that name. */
const logButton = By.xpath("//button[normalize-space(.) = 'Log'][@aria-pressed]");

describe.skipIf(missing !== null)(titled("unsaved work", missing), { timeout: 180_000 }, () => {
  let backlot: Backlot;
  let admin: Person;
  let editor: EditorPage;
  beforeAll(async () => {
    backlot = await startBacklot();
    admin = await backlot.admin();
    await siteWith("kept", { [path]: page, "public/style.css": "body {}\n" });
    editor = await EditorPage.open(backlot, { user: "admin", site: "kept", place: "files/" });
  }, 180_000);
  afterAll(async () => {
    await editor?.[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
  });

  async function siteWith(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    await admin.createSite(name, "static");
    for (const [each, text] of Object.entries(files)) await admin.put(name, each, text);
  }

  // So Chromium behaves until it is started anew, when a page was left while it first made the database.
  test("a database of the browser that never answers keeps no file from being opened, and the next one keeps the work", async () => {
    await using page = await EditorPage.open(backlot, { user: "admin", site: "kept", place: "files/" });
    await page.neverOpens(["backlot-drafts"]);
    await page.go(`edit/${path}`);
    await page.shows(path, "first");
    await page.type(path, "end", "kept elsewhere");
    await page.keepsDraft("kept elsewhere");
    await page.browser.reload();
    await page.shows(path, "kept elsewhere");

    await page.neverOpens(["backlot-drafts", "backlot-drafts-2", "backlot-drafts-3"]);
    await page.browser.reload();
    await page.shows(path, "first");
    expect(await page.text(path)).not.toContain("kept elsewhere");
    await page.type(path, "end", "kept nowhere");
    await page.browser.sees("This browser cannot keep your unsaved changes over a reload.");
    await page.save();
  });

  test("a deleted file that is brought back has the unsaved work of a tab that was not looked at", async () => {
    await editor.go(`edit/${path}`);
    await editor.shows(path, "first");
    await editor.type(path, "end", "not yet saved");
    await editor.keepsDraft("not yet saved");
    await editor.openInTree("public/style.css");
    await editor.shows("public/style.css", "body");
    await editor.browser.reload();
    await editor.shows("public/style.css", "body");
    await editor.act(path, "Delete…");
    await editor.browser.click("Delete file");
    await editor.goneFromTree(path);
    await editor.browser.click("Undo");
    await editor.browser.sees("index.html is back");
    await editor.openInTree(path);
    await editor.shows(path, "not yet saved");
  });

  test("what was joined by hand outlives another width of the page and the Escape key, and what is given up is gone from the page", async () => {
    const { driver } = editor.browser;
    const joined = "Both versions joined";
    const theirs = page.replace("<!doctype html>", "<!doctype html><!-- theirs -->");
    await siteWith("joined", { [path]: page });
    await editor.go(`edit/${path}`, "joined");
    await editor.shows(path, "first");
    await editor.type(path, "end", "mine");
    await admin.put("joined", path, theirs);
    await editor.browser.sees("Somebody else changed this file.");
    await editor.browser.click("Compare");
    await editor.shows(joined, "mine");
    await editor.type(joined, "end", " and joined by hand");
    const wide = await driver.manage().window().getRect();
    try {
      await driver.manage().window().setRect({ width: 700, height: 900 });
      await editor.browser.sees("Red: The other version.");
      await editor.shows(joined, "and joined by hand");
      await driver.actions().sendKeys(Key.ESCAPE).perform();
      await editor.browser.sees("What you joined stands in the editor");
      await editor.shows(path, "mine and joined by hand");
    } finally {
      await driver.manage().window().setRect(wide);
    }
    expect((await admin.get("joined", path)).toString()).toBe(theirs);

    await editor.browser.click("Give up mine");
    await driver.wait(async () => !(await editor.text(path)).includes("mine"), 20_000, "what was given up is still shown");
    await editor.shows(path, "theirs");
    await editor.type(path, "end", "typed on");
    await editor.save();
    expect((await admin.get("joined", path)).toString()).toBe(`${theirs}typed on`);
  });

  test("unsaved work and tabs go with a site that is renamed", async () => {
    await siteWith("before", { [path]: page });
    await editor.go(`edit/${path}`, "before");
    await editor.shows(path, "first");
    await editor.type(path, "end", "older than the name");
    await editor.keepsDraft("older than the name");
    await admin.client.call(updateSite, { params: { name: "before" }, body: { name: "afterwards" } });
    await editor.go(`edit/${path}`, "afterwards");
    await editor.shows(path, "older than the name");
    await editor.browser.named("tab", `${path}, unsaved`);
    await editor.save();
    expect((await admin.get("afterwards", path)).toString()).toBe(`${page}older than the name`);
  });

  test("a file that is shown is followed when its new name is taken back, wherever the person has been meanwhile", async () => {
    const renamed = path.replace("index", "renamed");
    await siteWith("renamed", { [path]: page });
    await editor.go(`edit/${path}`, "renamed");
    await editor.shows(path, "first");
    await editor.act(path, "Rename or move…");
    await editor.browser.fill("Path in the site", renamed);
    await editor.browser.click("Rename or move");
    await editor.shows(renamed, "first");
    await editor.browser.click("Overview");
    await editor.browser.click("Files");
    await editor.openInTree(renamed);
    await editor.shows(renamed, "first");
    await editor.browser.click("Undo");
    await editor.shows(path, "first");
  });

  test("a file that is renamed in another window is followed by the one that shows it, with what is typed there", async () => {
    const { driver } = editor.browser;
    const moved = path.replace("index", "moved");
    await siteWith("followed", { [path]: page });
    await editor.go(`edit/${path}`, "followed");
    await editor.shows(path, "first");
    const first = await driver.getWindowHandle();
    await driver.switchTo().newWindow("window");
    try {
      await editor.go(`edit/${path}`, "followed");
      await editor.shows(path, "first");
      const second = await driver.getWindowHandle();
      await driver.switchTo().window(first);
      await editor.type(path, "end", "of the first window");
      await editor.keepsDraft("of the first window");
      await driver.switchTo().window(second);
      await editor.act(path, "Rename or move…");
      await editor.browser.fill("Path in the site", moved);
      await editor.browser.click("Rename or move");
      await editor.shows(moved, "first");
    } finally {
      await driver.close();
      await driver.switchTo().window(first);
    }
    await editor.shows(moved, "of the first window");
    await editor.type(moved, "end", ", typed on");
    await editor.keepsDraft("of the first window, typed on");
    expect((await editor.drafts()).filter((draft) => draft.includes("of the first window"))).toHaveLength(1);
    await editor.save();
    expect((await admin.get("followed", moved)).toString()).toBe(`${page}of the first window, typed on`);
  });

  // A browser keeps six connections to a host, for all of its windows together: those that stay open have to leave some.
  test("files open and are saved in two windows side by side that both follow the log", async () => {
    const { driver } = editor.browser;
    const pressLog = async (): Promise<void> => (await driver.wait(until.elementLocated(logButton), 20_000)).click();
    await admin.createSite("watched", "dynamic");
    await admin.put("watched", "private/notes.txt", "noted");
    const first = await driver.getWindowHandle();
    await editor.go("edit/run.sh", "watched");
    await pressLog();
    await editor.browser.named("log", "Lines");
    await driver.switchTo().newWindow("window");
    try {
      await editor.go("edit/run.sh", "watched");
      // The panel that was open in the other window is open here, too.
      await editor.browser.named("log", "Lines");
      expect(await driver.executeScript("return document.visibilityState")).toBe("visible");
      await editor.openInTree("private", "private/notes.txt");
      await editor.shows("private/notes.txt", "noted");
      await editor.type("private/notes.txt", "end", " twice");
      await editor.save();
      expect((await admin.get("watched", "private/notes.txt")).toString()).toBe("noted twice");
    } finally {
      await driver.close();
      await driver.switchTo().window(first);
    }
    await pressLog();
  });
});
