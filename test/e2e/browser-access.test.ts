// Whether every page of the dashboard can be used by those who see little, use no mouse, or hold a phone: the built pages in a real browser,
// before a pretended manager with much to show.
import type { AddressInfo } from "node:net";
import { By, Key } from "selenium-webdriver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createMockWorld } from "../../web/dev/mock-world.ts";
import { serveBuilt } from "../../web/dev/serve-built.ts";
import { Browser } from "../support/backlot-browser.ts";
import { Keyboard } from "../support/keyboard.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";
import { countTabStops, pageFaults, ringFaults } from "../support/page-faults.ts";

const missing = whyNoBrowser();
const patience = { timeout: 20_000 };

/** Each with words that it shows when it is all there. */
const pages = [
  ["/sign-in", "Your sites are waiting"],
  ["/setup/secret", "The user name is admin"],
  ["/", "Your sites"],
  ["/?q=nothing-like-it", "No site matches"],
  ["/new", "Start from"],
  ["/sites/library", "Visitors"],
  ["/sites/broken-app", "Cannot find module"],
  ["/sites/robotics/files/", "Program and data"],
  ["/sites/robotics/edit/public/index.html", "HTML"],
  ["/sites/robotics/logs", "listening on"],
  ["/sites/robotics/terminal", "Terminal 1"],
  ["/sites/robotics/tasks", "Run a script"],
  ["/sites/robotics/members", "Add someone"],
  ["/sites/robotics/settings", "Danger zone"],
  ["/sites/debate/settings", "does not allow changing its settings"],
  ["/sites/nowhere", "There is no site called nowhere"],
  ["/tasks", "backup.sh"],
  ["/tasks/run", "Back up the home folder"],
  ["/tasks/charts", "Tasks a day"],
  ["/tasks/nowhere", "There is no such task"],
  ["/schedules", "Next"],
  ["/schedules/new", "Often wanted"],
  ["/account", "API tokens"],
  ["/users", "chloe"],
  ["/nodes", "Other processes"],
  ["/images", "Robotics lab"],
  ["/audit", "newest first"],
  ["/no-such-page", "Nothing is built at this address"],
] as const;

describe.skipIf(missing !== null)(titled("every page of the dashboard", missing), { timeout: 240_000 }, () => {
  const world = createMockWorld({ signedIn: true, stepMs: 1 });
  const server = serveBuilt(world);
  let browser: Browser;
  let keys: Keyboard;
  let base: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await Browser.open();
    keys = new Keyboard(browser);
    await browser.prefers("light");
    await browser.keepsFocus();
    await browser.go(base);
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** As a link does it: the page is loaded once. */
  async function visit(path: string, words: string): Promise<void> {
    await browser.driver.executeScript("history.pushState(null, '', arguments[0]); dispatchEvent(new PopStateEvent('popstate'))", path);
    await browser.sees(words);
    await expect.poll(() => browser.driver.executeScript("return document.querySelectorAll('[aria-busy=true]').length"), patience).toBe(0);
  }
  const script = (text: string): Promise<unknown> => browser.driver.executeScript(text);
  const isInDialog = (): Promise<unknown> => script("return document.querySelector('[role=dialog]')?.contains(document.activeElement) ?? null");
  const isInMenu = (): Promise<unknown> => script("return document.activeElement.closest('[role=menu]') !== null");
  /** As Tab would, which other tests press all the way. */
  async function focusOn(name: string): Promise<void> {
    const found = await browser.driver.findElement(By.xpath(`//*[self::button or @role="tree"][normalize-space(.) = "${name}" or @aria-label = "${name}"]`));
    await browser.driver.executeScript("arguments[0].focus()", found);
  }

  test.each(pages)("%s is called something, can be read, fits and shows what has the focus, wide and narrow, dark and light", async (path, words) => {
    await inspect(path, words);
  });

  async function inspect(path: string, words: string): Promise<void> {
    await visit(path, words);
    for (const widthPx of [390, 1280])
      for (const scheme of ["dark", "light"] as const) {
        await browser.asWideAs(widthPx);
        await browser.prefers(scheme);
        await expect.poll(() => pageFaults(browser, widthPx), { ...patience, message: `${path}, ${widthPx} px, ${scheme}` }).toEqual([]);
      }
  }

  test("so is the page of a task, of a schedule, and what a member is refused", async () => {
    const read = async (path: string): Promise<unknown> => (await fetch(`${base}/api/v1/${path}`)).json();
    const [task] = z.object({ tasks: z.array(z.object({ uid: z.string() })) }).parse(await read("tasks")).tasks;
    const [schedule] = z.object({ schedules: z.array(z.object({ id: z.string() })) }).parse(await read("schedules")).schedules;
    await inspect(`/tasks/${task?.uid}`, "Details");
    await inspect(`/schedules/${schedule?.id}`, "What to run");
    const administrator = world.me;
    world.me = world.users.find(({ role }) => role === "member") ?? null;
    await browser.reload();
    await inspect("/users", "Only an administrator");
    world.me = administrator;
    await browser.reload();
  });

  test("finds what it looks for", async () => {
    await visit("/account", "API tokens");
    await script(`
      const add = (html) => { const box = document.createElement("div"); box.innerHTML = html; document.querySelector("main").append(box); };
      add("<h1>again</h1><i id=main></i><button></button><input placeholder=pale aria-label=a><b>half</b><em>behind</em><u>gone</u>");
      document.styleSheets[0].insertRule("::placeholder { color: rgb(190, 190, 190) !important }");
      const style = (name, text) => { document.querySelector("main " + name).style.cssText = text; };
      style("b", "opacity: 0.3"); style("em", "color: #767676; background: #ddd"); style("u", "display: none; color: #fff");
      style("button:empty", "outline: none"); style("i", "display: block; width: 1400px; height: 1px");`);
    const found = (await pageFaults(browser, 1280)).join("\n");
    expect(found.split("\n")).toHaveLength(8);
    for (const part of ["1280 px", "2 headings", "#main", "“pale”", "“half”", "“behind”", "no ring", "a button has no name"]) expect(found).toContain(part);
    await browser.reload();
  });

  test.each([
    ["/", "Your sites"],
    ["/sites/library", "Visitors"],
    ["/sites/robotics/edit/public/index.html", "HTML"],
    ["/sites/robotics/settings", "Danger zone"],
    ["/users", "chloe"],
  ])("Tab leads to everything on %s and to nothing twice, first past the header", async (path, words) => {
    await browser.go(`${base}${path}`);
    await visit(path, words);
    await keys.press(Key.TAB);
    expect(await keys.focused()).toBe("Skip to the content");
    const stops = await countTabStops(browser);
    // Where it has been is marked.
    const mark = "const at = document.activeElement, isNew = at !== document.body && !('met' in at.dataset); at.dataset.met = ''; return isNew";
    let met = 0;
    while ((await script(mark)) === true) {
      met += 1;
      const isText = await script("return document.activeElement.isContentEditable");
      await keys.press(...(isText === true ? [Key.ESCAPE, Key.TAB] : [Key.TAB]));
    }
    expect(met).toBe(stops);
    await focusOnSkip();
    await keys.press(Key.ENTER);
    await expect.poll(() => script("return document.activeElement.id"), patience).toBe("main");
  });
  const focusOnSkip = (): Promise<unknown> => script("document.querySelector('a[href=\"#main\"]').focus()");

  test.each([
    [1280, "/account", "API tokens", "New token"],
    [390, "/users", "chloe", "Add user"],
    [1280, "/nodes", "Other processes", "Drain north.school.example"],
    [390, "/images", "Robotics lab", "Add image"],
    [1280, "/sites/robotics/settings", "Danger zone", "Rename…"],
    [390, "/sites/robotics/settings", "Danger zone", "Delete…"],
    [1280, "/sites/robotics/files/", "Program and data", "New file in the site's folder"],
    [390, "/sites/robotics/files/", "Program and data", "Show the files"],
  ])("at %s px the dialog of %s takes the focus, holds it, and gives it back by Escape", async (widthPx, path, words, opener) => {
    await browser.asWideAs(widthPx);
    await visit(path, words);
    await focusOn(opener);
    await keys.press(Key.ENTER);
    await expect.poll(isInDialog, patience).toBe(true);
    await expect.poll(() => pageFaults(browser, widthPx), patience).toEqual([]);
    await keys.press(Key.TAB);
    const first = await keys.focused();
    const stops = await countTabStops(browser);
    for (let stop = 0; stop < stops; stop += 1) {
      expect(await isInDialog()).toBe(true);
      await keys.press(Key.TAB);
    }
    expect(await keys.focused()).toBe(first);
    await keys.chord(Key.SHIFT, Key.TAB);
    expect(await isInDialog()).toBe(true);
    await keys.press(Key.ESCAPE);
    await expect.poll(isInDialog, patience).toBe(null);
    await expect.poll(() => keys.focused(), patience).toBe(opener);
    await browser.asWideAs(1280);
  });

  test("a menu goes by arrows, ends and letters, and Escape leads back to its button", async () => {
    await visit("/account", "API tokens");
    await focusOn("Menu of admin");
    await keys.press(Key.ENTER);
    await expect.poll(() => keys.focused(), patience).toBe("Account and API tokens");
    expect(await ringFaults(browser)).toEqual([]);
    await keys.press(Key.ARROW_DOWN);
    await expect.poll(() => keys.focused(), patience).toBe("API documentation");
    await keys.press(Key.END);
    await expect.poll(() => keys.focused(), patience).toBe("Sign out");
    await keys.press("d");
    await expect.poll(() => keys.focused(), patience).toBe("Dark");
    await keys.press(Key.ENTER);
    await expect.poll(() => script("return document.documentElement.dataset.theme"), patience).toBe("dark");
    await expect.poll(() => keys.focused(), patience).toBe("Menu of admin");
    await keys.press(" ", Key.ESCAPE);
    await expect.poll(() => script("return document.querySelector('[role=menu]')"), patience).toBe(null);
    await expect.poll(() => keys.focused(), patience).toBe("Menu of admin");
  });

  test("a button that is off while it works has the focus again afterwards, and a form that is not complete leads to what it lacks", async () => {
    await visit("/sites/library", "Visitors");
    await focusOn("Empty the page cache");
    await keys.press(Key.ENTER);
    await browser.sees("The page cache is empty");
    await expect.poll(() => keys.focused(), patience).toBe("Empty the page cache");

    await visit("/new", "Start from");
    await focusOn("Create site");
    await keys.press(Key.ENTER);
    await browser.sees("Choose what to start from.");
    await expect.poll(() => script("return document.activeElement.getAttribute('role')"), patience).toBe("radio");
  });

  test("a dialog that a menu opened gives the focus back to what the menu was opened from", async () => {
    await visit("/users", "chloe");
    await focusOn("Actions for chloe");
    await keys.press(Key.ARROW_DOWN);
    await expect.poll(isInMenu, patience).toBe(true);
    await keys.press("res");
    await expect.poll(() => keys.focused(), patience).toBe("Reset password…");
    await keys.press(Key.ENTER);
    await expect.poll(isInDialog, patience).toBe(true);
    await keys.press(Key.ESCAPE);
    await expect.poll(() => keys.focused(), patience).toBe("Actions for chloe");

    await visit("/sites/robotics/files/", "Program and data");
    await focusOn("Files of robotics");
    await keys.press("run");
    await expect.poll(() => keys.present(), patience).toBe("run.sh");
    await keys.chord(Key.SHIFT, Key.F10);
    await expect.poll(isInMenu, patience).toBe(true);
    await keys.press("ren");
    await expect.poll(() => keys.focused(), patience).toBe("Rename or move…");
    await keys.press(Key.ENTER);
    await expect.poll(isInDialog, patience).toBe(true);
    await keys.press(Key.ESCAPE);
    await expect.poll(() => keys.focused(), patience).toBe("Files of robotics");
  });

  test("arrows change between views and between open files, Delete closes one, and Shift and Escape leave a terminal", async () => {
    await visit("/sites/library", "Visitors");
    await script("document.querySelector('[role=radio][aria-checked=true]').focus()");
    await keys.hold(Key.ARROW_RIGHT, async () => (await script("return document.querySelector('[role=radio][aria-checked=true]').textContent")) === "24 hours");
    expect(await keys.focused()).toBe("24 hours");

    await visit("/sites/robotics/edit/run.sh", "Shell");
    await visit("/sites/robotics/edit/public/style.css", "CSS");
    await script("document.querySelector('[role=tab][aria-selected=true]').focus()");
    await keys.press(Key.ARROW_LEFT);
    await expect.poll(() => keys.focused(), patience).toBe("run.sh");
    await keys.press(Key.DELETE);
    await expect.poll(() => keys.focused(), patience).toBe("public/style.css");

    await visit("/sites/robotics/terminal", "Terminal 1");
    await browser.sees("Shift+Esc leaves the terminal");
    await keys.press(Key.TAB);
    expect(await keys.focused()).toContain("Terminal input");
    await keys.chord(Key.SHIFT, Key.ESCAPE);
    await expect.poll(() => keys.focused(), patience).toBe("Terminal 1");
  });
});
