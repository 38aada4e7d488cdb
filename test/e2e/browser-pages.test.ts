// The built dashboard in a real browser before a pretended manager: what pages look like with much, little and nothing to show.
import type { AddressInfo } from "node:net";
import { Key } from "selenium-webdriver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMockWorld, type MockWorld } from "../../web/dev/mock-world.ts";
import { serveBuilt } from "../../web/dev/serve-built.ts";
import { Browser } from "../support/backlot-browser.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();

/** Roles that say nothing without a name. */
const named = ["button", "link", "textbox", "searchbox", "combobox", "checkbox", "switch", "radio", "tab", "menuitem", "dialog", "image"];

const pages = [
  ["/", "Your sites"],
  ["/new", "Start from"],
  ["/sites/library", "Visitors"],
  ["/sites/broken-app", "Cannot find module"],
  ["/sites/robotics/files/", "Program and data"],
  ["/sites/robotics/logs", "listening on"],
  ["/sites/robotics/terminal", "Terminal 1"],
  ["/sites/robotics/members", "Add someone"],
  ["/sites/robotics/settings", "Danger zone"],
  ["/sites/nowhere", "There is no site called nowhere"],
  ["/tasks", "backup.sh"],
  ["/tasks/run", "Back up the home folder"],
  ["/tasks/charts", "Tasks a day"],
  ["/schedules/new", "Often wanted"],
  ["/account", "API tokens"],
  ["/users", "chloe"],
  ["/nodes", "Other processes"],
  ["/images", "Robotics lab"],
  ["/no-such-page", "Nothing is built at this address"],
] as const;

describe.skipIf(missing !== null)(titled("the dashboard", missing), () => {
  let world: MockWorld;
  let server: ReturnType<typeof serveBuilt>;
  let browser: Browser;
  let base: string;

  beforeAll(async () => {
    world = createMockWorld({ signedIn: true, stepMs: 1 });
    server = serveBuilt(world);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await Browser.open();
  }, 120_000);
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** What has the focus, by its name or words. */
  const focused = (): Promise<unknown> =>
    browser.driver.executeScript("return document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()");

  /** What a page has that is called nothing. */
  const nameless = async () => (await browser.spoken()).filter(({ role, name }) => named.includes(role) && name.trim() === "");
  const widthPx = (): Promise<unknown> => browser.driver.executeScript("return document.documentElement.scrollWidth");

  test("shows no page that is wider than a phone, and no control without a name", async () => {
    await browser.asWideAs(390);
    await browser.go(base);
    for (const [path, words] of pages) {
      // As a link does it: the page is loaded once.
      await browser.driver.executeScript("history.pushState(null, '', arguments[0]); dispatchEvent(new PopStateEvent('popstate'))", path);
      await browser.sees(words);
      await expect.poll(() => browser.driver.executeScript("return document.querySelectorAll('[aria-busy=true]').length"), { timeout: 20_000 }).toBe(0);
      expect([path, await widthPx(), await nameless()]).toEqual([path, 390, []]);
      expect(await browser.driver.executeScript("return document.querySelectorAll('main').length"), path).toBe(1);
    }
    // What is looked for would be found.
    await browser.driver.executeScript("document.body.style.width = '500px'; document.body.append(document.createElement('button'))");
    expect(await widthPx()).toBeGreaterThan(390);
    expect(await nameless()).toEqual([{ role: "button", name: "" }]);
    await browser.asWideAs(1200);
  }, 240_000);

  test("draws a site's visitors, by the minute and by the hour, and says when nobody came", async () => {
    await browser.go(`${base}/sites/library`);
    expect(await browser.painted("Requests each minute", "--good")).toBeGreaterThan(100);
    expect(await browser.painted("Requests each minute", "--bad")).toBeGreaterThan(5);
    expect(await browser.painted("Answers of the page cache each minute", "--accent")).toBeGreaterThan(100);
    await browser.choose("radio", "7 days");
    expect(await browser.painted("Requests each hour", "--good")).toBeGreaterThan(100);
    await browser.go(`${base}/sites/chess`);
    await browser.sees("Nobody came in the last hour");
  }, 120_000);

  test("offers an image with a new program, and its run.sh once the site is there", async () => {
    await browser.go(`${base}/new`);
    await browser.choose("radio", "Empty static site");
    await browser.misses("What the program runs in");
    await browser.choose("radio", "Empty dynamic site");
    const choice = await browser.field("Image");
    expect(await browser.driver.executeScript("return arguments[0].selectedOptions[0].textContent", choice)).toBe("Default (Node 24)");
    await browser.sees("JavaScript and TypeScript on Debian.");
    await browser.sees("comes with a run.sh");
    await browser.select("Image", "Python 3.13");
    await browser.misses("comes with a run.sh");
    await browser.select("Image", "Node 24");
    await browser.fill("Name", "imaged");
    await browser.click("Create site");
    await browser.sees("Your site is ready.");
    expect(world.sites.get("imaged")?.view.image).toBe(1);
    await browser.sees("This site has no run.sh yet");
    await browser.click("Write run.sh");
    await browser.misses("This site has no run.sh yet");
    expect(world.sites.get("imaged")?.files.get("run.sh")).toMatchObject({ executable: true });
  }, 120_000);

  test("gives a static site a file server of its own", async () => {
    await browser.go(`${base}/sites/choir/settings`);
    await (await browser.field("A file server of its own")).click();
    await browser.fill("Reason", "Many visitors at the concert");
    await browser.click("Save changes");
    await expect.poll(() => world.sites.get("choir")?.view.dedicated, { timeout: 20_000 }).toBe(true);
  }, 120_000);

  test.each([
    ["/images", "Add image"],
    ["/users", "Add user"],
    ["/account", "New token"],
    ["/sites/robotics/settings", "Delete…"],
  ])(
    "closes a dialog of %s by Escape, and gives the focus back",
    async (path, opener) => {
      await browser.go(`${base}${path}`);
      await browser.click(opener);
      const isInside = "return document.querySelector('[role=dialog]')?.contains(document.activeElement) ?? null";
      await expect.poll(() => browser.driver.executeScript(isInside), { timeout: 20_000 }).toBe(true);
      await browser.driver.actions().sendKeys(Key.ESCAPE).perform();
      await expect.poll(() => browser.driver.executeScript(isInside), { timeout: 20_000 }).toBe(null);
      await expect.poll(focused, { timeout: 20_000 }).toBe(opener);
    },
    120_000,
  );

  test("breaks no rule of its own policy", async () => {
    const complaints = (await browser.driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !message.includes("Failed to load resource"))).toEqual([]);
  });
});
