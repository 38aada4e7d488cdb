// The built dashboard in a real browser before a pretended manager: what its pages draw and do. What holds for every page is in browser-access.test.ts.
import { By } from "selenium-webdriver";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { MockWorld } from "../../web/dev/mock-world.ts";
import type { Browser } from "../support/backlot-browser.ts";
import { MockPages } from "../support/mock-pages.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();
const patience = { timeout: 20_000 };
const noRunFile = "This site has no run.sh yet";
/** The run.sh that the pretended catalogue's Node 24 brings, as a site gets it. */
const nodeRunFile = { text: "#!/bin/sh\ncd /site\nexec node server.js\n", isExecutable: true };

describe.skipIf(missing !== null)(titled("the dashboard", missing), () => {
  let pages: MockPages;
  let world: MockWorld;
  let browser: Browser;
  let base: string;

  beforeAll(async () => {
    pages = await MockPages.open();
    ({ world, browser, base } = pages);
  }, 240_000);
  afterEach(() => pages.letThrough());
  afterAll(async () => pages?.[Symbol.asyncDispose]());

  const runFileOf = (name: string) => {
    const file = world.sites.get(name)?.files.get("run.sh");
    return file === undefined ? null : { text: new TextDecoder().decode(file.bytes), isExecutable: file.executable };
  };

  test("draws a site's visitors, by the minute and by the hour, and says when nobody came", async () => {
    await browser.go(`${base}/sites/library`);
    expect(await browser.painted("Requests each minute", "--good")).toBeGreaterThan(100);
    expect(await browser.painted("Requests each minute", "--bad")).toBeGreaterThan(5);
    expect(await browser.painted("Answers of the page cache each minute", "--accent")).toBeGreaterThan(100);
    await browser.choose("radio", "7 days");
    expect(await browser.painted("Requests each hour", "--good")).toBeGreaterThan(100);
    await browser.go(`${base}/sites/chess`);
    await browser.sees("Nobody came in the last hour");
  }, 240_000);

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
    await browser.sees(noRunFile);
    await browser.click("Write run.sh");
    await browser.misses(noRunFile);
    await expect.poll(() => runFileOf("imaged"), patience).toEqual(nodeRunFile);
  }, 240_000);

  test("offers in a site's settings the run.sh of the image that is chosen, and writes it over none that came meanwhile", async () => {
    const files = world.sites.get("astronomy")?.files;
    const theirs = files?.get("run.sh");
    if (files === undefined || theirs === undefined) throw new Error("the mock has lost its astronomy site");
    files.delete("run.sh");
    await browser.go(`${base}/sites/astronomy/settings`);
    await browser.sees(noRunFile);
    files.set("run.sh", theirs);
    await browser.click("Write run.sh");
    await browser.sees("run.sh was changed since you read it.");
    expect(files.get("run.sh")).toBe(theirs);
    files.delete("run.sh");
    await browser.select("Image", "Python 3.13");
    await browser.misses(noRunFile);
    await browser.select("Image", "Node 24");
    await browser.sees(noRunFile);
    await browser.click("Write run.sh");
    await browser.misses(noRunFile);
    await expect.poll(() => runFileOf("astronomy"), patience).toEqual(nodeRunFile);
  }, 240_000);

  test("gives a static site a file server of its own", async () => {
    await browser.go(`${base}/sites/choir/settings`);
    await (await browser.field("A file server of its own")).click();
    await browser.fill("Reason", "Many visitors at the concert");
    await browser.click("Save changes");
    await expect.poll(() => world.sites.get("choir")?.view.dedicated, { timeout: 20_000 }).toBe(true);
  }, 240_000);

  test("says at the field that nothing more may be kept awake, and what to do", async () => {
    const dynamic = [...world.sites.values()].filter(({ view }) => view.kind === "dynamic" && view.name !== "robotics").slice(0, 3);
    for (const site of dynamic) site.view = { ...site.view, settings: { ...site.view.settings, idleSeconds: null } };
    await browser.go(`${base}/sites/robotics/settings`);
    await browser.select("Goes to sleep", "Never: always awake");
    await browser.click("Save changes");
    await browser.sees("Let this one or another one sleep, or ask an administrator.");
    const field = await browser.field("Goes to sleep");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    const described = ((await field.getAttribute("aria-describedby")) ?? "").split(" ");
    const words = await Promise.all(described.map(async (id) => (await browser.driver.findElement(By.id(id))).getText()));
    expect(words.at(-1)).toBe("ada keeps 3 programs awake, which is the most. Let this one or another one sleep, or ask an administrator.");
    expect(world.sites.get("robotics")?.view.settings.idleSeconds).toBe(600);
    for (const site of dynamic) site.view = { ...site.view, settings: { ...site.view.settings, idleSeconds: 600 } };
    await browser.click("Save changes");
    await expect.poll(() => world.sites.get("robotics")?.view.settings.idleSeconds, { timeout: 20_000 }).toBeNull();
    await browser.misses("Let this one or another one sleep");
  }, 240_000);

  test("keeps what is typed while others change the same site, and nobody's variables are lost", async () => {
    const site = world.sites.get("robotics");
    if (site === undefined) throw new Error("the mock has lost its robotics site");
    const typedIn = async (label: string) => (await browser.field(label)).getAttribute("value");
    site.environment = { SHARED: "old" };
    await browser.go(`${base}/sites/robotics/settings`);
    await browser.fill("Time zone", "Asia/Tokyo");
    await browser.fill("Value of SHARED", "mine");
    site.environment = { SHARED: "old", THEIRS: "t" };
    site.view = { ...site.view, description: "Theirs", updatedAt: new Date().toISOString() };
    await browser.click("Save and restart");
    await browser.sees("The variables were changed since you read them.");
    expect(await typedIn("Value of THEIRS")).toBe("t");
    expect(site.environment).toEqual({ SHARED: "old", THEIRS: "t" });
    await browser.click("Save and restart");
    await browser.misses("The program restarts with the new variables.");
    expect(site.environment).toEqual({ SHARED: "mine", THEIRS: "t" });
    // The restart's end is when the page reads the site again.
    await expect.poll(() => typedIn("Description"), { timeout: 20_000 }).toBe("Theirs");
    expect(await typedIn("Time zone")).toBe("Asia/Tokyo");
  }, 240_000);

  test("queues a task once though the answer was lost, and follows its output though the stream was cut", async () => {
    world.stepMs = 600_000;
    const keys: unknown[] = [];
    const cut: string[] = [];
    pages.meddle((request, response) => {
      const { method, url = "" } = request;
      if (method === "POST" && /^\/api\/v1\/tasks(\/[^/]+\/rerun)?$/.test(url)) {
        keys.push(request.headers["idempotency-key"]);
        // As a proxy in between answers. Chromium sends again by itself what was cut off.
        if (keys.length % 2 === 1) response.writeHead(504).end();
        return keys.length % 2 === 1;
      }
      if (!url.includes("/logs/stdout?") || cut.includes(url)) return false;
      cut.push(url);
      response.writeHead(200, { "content-type": "text/event-stream" }).end();
      return true;
    });
    await browser.go(`${base}/tasks/run`);
    await browser.pick("touch.sh");
    for (const button of ["Run", "Run again"]) {
      const before = await browser.driver.getCurrentUrl();
      await browser.click(button);
      await browser.sees("does not answer");
      await browser.click(button);
      await browser.driver.wait(async () => (await browser.driver.getCurrentUrl()) !== before, 20_000);
      await browser.sees("Following live");
      await browser.misses("This is the end.");
    }
    world.stepMs = 1;
    expect(keys).toEqual([keys[0], keys[0], keys[2], keys[2]]);
    expect(new Set(keys)).toSatisfy((all: Set<unknown>) => all.size === 2 && !all.has(undefined));
    expect(cut).toHaveLength(2);
  }, 240_000);

  test("asks before the page is left in the middle of an upload, and only then", async () => {
    const held = Promise.withResolvers<void>();
    pages.meddle((request, response) => {
      if (request.method !== "PUT") return false;
      void held.promise.then(() => response.writeHead(201).end());
      return true;
    });
    const asks = () => browser.driver.executeScript<boolean>("return !dispatchEvent(new Event('beforeunload', { cancelable: true }))");
    await browser.go(`${base}/sites/chess/files/`);
    await browser.click("Upload");
    await browser.choose("menuitem", "Files");
    expect(await asks()).toBe(false);
    await browser.driver.findElement(By.css("input[data-chooser]")).sendKeys(import.meta.filename);
    await browser.sees("Uploading 1 file");
    expect(await asks()).toBe(true);
    held.resolve();
    await browser.misses("Uploading 1 file");
    expect(await asks()).toBe(false);
  }, 240_000);

  test("breaks no rule of its own policy", async () => {
    const complaints = (await browser.driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !message.includes("Failed to load resource"))).toEqual([]);
  });
});
