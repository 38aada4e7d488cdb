import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { By, Key } from "selenium-webdriver";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listSiteOperations } from "#contract/api/operations.ts";
import { readSite, readStatus, sleepSite } from "#contract/api/sites.ts";
import { stepTitles } from "#core/operations/plan.ts";
import { adminPassword, type Backlot, startBacklot } from "../support/backlot.ts";
import { Browser } from "../support/backlot-browser.ts";
import { Keyboard } from "../support/keyboard.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";
import { pageFaults } from "../support/page-faults.ts";

const missing = whyNoBrowser();
const patience = { timeout: 60_000 };
/** What a person writes at the head of the starter's program: it says that it was edited, and what it is asked for. */
const edit = [
  "console.log('edited by a person');",
  "require('node:diagnostics_channel').subscribe('http.server.request.start', ({ request }) => console.log('asked for ' + request.url));",
];

// scripts/prepare.mjs installs Debian's chromium before `npm test` where it may. The steps of one person, one after the other, on one server.
describe.skipIf(missing !== null)(titled("a person at the dashboard", missing), { timeout: 240_000 }, () => {
  let backlot: Backlot;
  let browser: Browser;
  const site = { params: { name: "journey" } };

  beforeAll(async () => {
    // Nobody has chosen a password yet.
    backlot = await startBacklot({ byNpm: true, environment: { BACKLOT_ADMIN_PASSWORD: "" } });
    browser = await Browser.open();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await backlot?.[Symbol.asyncDispose]();
  });

  const dashboard = (path = ""): string => `${backlot.manager.replace("127.0.0.1", "localhost")}${path}`;
  const stateOf = async (): Promise<string> => (await (await backlot.admin()).client.call(readStatus, site)).state;
  const doneOperations = async (): Promise<readonly string[]> => {
    const { operations } = await (await backlot.admin()).client.call(listSiteOperations, { ...site, query: {} });
    return operations.filter(({ state }) => state === "succeeded").map(({ kind }) => kind);
  };

  test("opens the link of the first start, once, and is the administrator", async () => {
    const link = /works once\): (http\S+)/.exec(backlot.output)?.[1] ?? "no link";
    await browser.go(link);
    await browser.sees("Choose the password of the first administrator");
    await browser.fill("New password", "short");
    await browser.click("Set password and sign in");
    expect(await browser.problemAt("New password")).not.toBe("");
    await browser.fill("New password", adminPassword);
    await browser.click("Set password and sign in");
    await browser.sees("Your lot is still empty");
    await browser.driver.manage().deleteAllCookies();
    await browser.go(link);
    await browser.fill("New password", "another good one");
    await browser.click("Set password and sign in");
    await browser.sees("To the sign-in");
  });

  test("signs in, creates a site from a starter, edits a file, opens the site and reads its log", async () => {
    const { driver } = browser;
    await browser.go(dashboard());
    await browser.fill("User name", "admin");
    await browser.fill("Password", adminPassword);
    await browser.click("Sign in");

    await browser.click("New site");
    await browser.choose("radio", "Node server");
    await browser.fill("Name", "journey");
    await browser.click("Create site");
    await browser.sees("Your site is ready.");

    await browser.click("Edit files");
    await browser.click("server.js");
    const editor = await browser.area("server.js");
    const before = (await (await backlot.admin()).get("journey", "server.js")).toString();
    await editor.sendKeys(Key.chord(Key.CONTROL, Key.HOME), ...edit.map((line) => `${line}\n`));
    await browser.click("Save");
    await browser.sees("Saved");
    const saved = (await (await backlot.admin()).get("journey", "server.js")).toString();
    expect(saved).toBe(`${edit.join("\n")}\n${before}`);

    // The link of the header, as a visitor would follow it.
    const pages = await driver.getAllWindowHandles();
    const address = `http://journey.localhost:${new URL(backlot.router).port}/`;
    await browser.follow(address);
    await driver.wait(async () => (await driver.getAllWindowHandles()).length > pages.length, 20_000);
    const opened = (await driver.getAllWindowHandles()).find((handle) => !pages.includes(handle)) ?? "";
    await driver.switchTo().window(opened);
    await browser.sees("Your Node server is running.");
    expect(await driver.getCurrentUrl()).toBe(address);
    // What the dashboard keeps in cookies is not for a site's eyes.
    expect(await driver.manage().getCookies()).toEqual([]);
    await driver.close();
    await driver.switchTo().window(pages[0] ?? "");

    // The visit is counted: the page looks again by itself.
    await browser.click("Overview");
    expect(await browser.painted("Requests each minute", "--good")).toBeGreaterThan(5);

    await browser.click("Log");
    await browser.sees("edited by a person");
    await browser.sees("Listening on");
    await browser.sees("Following live");
    // What is printed from now on comes by itself, and the end stays in sight when there is more than fits.
    const marker = `/visited-${randomUUID()}`;
    for (let round = 0; round < 60; round += 1) await backlot.visit("journey", `/earlier-${round}`);
    await backlot.visit("journey", marker);
    await browser.sees(`asked for ${marker}`);
    await expect.poll(() => browser.spots(marker), patience).toBe(true);
    // Asking who is signed in before anybody is, and a site without an icon, are answered 401 and 404; scripts and policies have nothing to complain of.
    const complaints = (await driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !message.includes("Failed to load resource"))).toEqual([]);
  });

  test("restarts the program, puts it to sleep and starts it again", async () => {
    await browser.click("Overview");
    await browser.click("Restart");
    await expect.poll(doneOperations, { timeout: 30_000 }).toContain("restart");
    await browser.click("Put to sleep");
    await expect.poll(stateOf, { timeout: 30_000 }).toBe("asleep");
    await browser.sees("Asleep");
    await browser.click("Start");
    await expect.poll(stateOf, { timeout: 30_000 }).toBe("running");
    await browser.sees("Running");
    expect((await backlot.visit("journey")).status).toBe(200);
  });

  test("uploads a file into the list of files", async () => {
    const folder = await mkdtemp(join(tmpdir(), "backlot-upload-"));
    await writeFile(join(folder, "carried.txt"), "carried here");
    await browser.click("Files");
    await browser.click("More for all files");
    await browser.choose("menuitem", "Upload files to");
    await browser.driver.findElement(By.css("input[data-chooser]")).sendKeys(join(folder, "carried.txt"));
    await browser.sees("1 of 1 file uploaded");
    await browser.sees("carried.txt");
    await rm(folder, { recursive: true });
    expect((await (await backlot.admin()).get("journey", "carried.txt")).toString()).toBe("carried here");
  });

  test("changes a setting", async () => {
    await browser.click("Settings");
    await browser.fill("Description", "The diary of a journey");
    await browser.click("Save changes");
    await browser.sees("Settings saved");
    expect((await (await backlot.admin()).client.call(readSite, site)).site.description).toBe("The diary of a journey");
  });

  test("searches the list of sites, which shows what happens meanwhile", async () => {
    await (await backlot.admin()).createSite("quiet", "static");
    await browser.go(dashboard());
    await browser.sees("The diary of a journey");
    await browser.sees("quiet");
    await browser.fill("Search sites", "diary");
    await browser.misses("quiet");
    await browser.sees("journey");
    await browser.fill("Search sites", "nothing like it");
    await browser.sees("No site matches");
    await browser.fill("Search sites", "journey");
    await browser.sees("Running");
    // From somewhere else; nobody loads the page again.
    const admin = await backlot.admin();
    await admin.succeeded((await admin.client.call(sleepSite, site)).operation);
    await browser.sees("Asleep");
    await browser.misses("Running");
  });

  test("sees it dark where the system is dark, and light where it is light", async () => {
    const ground = (): Promise<unknown> => browser.driver.executeScript("return getComputedStyle(document.documentElement).backgroundColor");
    await browser.prefers("dark");
    await expect.poll(ground, { timeout: 20_000 }).toBe("rgb(15, 21, 19)");
    await browser.prefers("light");
    await expect.poll(ground, { timeout: 20_000 }).toBe("rgb(243, 245, 241)");
  });

  test("sees step by step how a site comes to be, and in words what it waits for while a part of Backlot is away", async () => {
    const orchestrator = backlot.processes().find(({ command }) => command.includes("run orchestrator"));
    const supervisor = orchestrator?.parent ?? 0;
    process.kill(supervisor, "SIGSTOP");
    try {
      process.kill(orchestrator?.pid ?? 0, "SIGKILL");
      await browser.go(dashboard());
      await browser.click("New site");
      await browser.choose("radio", "Web page");
      await browser.fill("Name", "patient");
      await browser.click("Create site");
      await browser.sees("Trying again: The orchestrator does not answer.");
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    await browser.sees("Your site is ready.");
    for (const step of [stepTitles.apply, stepTitles.starter, stepTitles.publish, stepTitles.activate]) await browser.sees(step);
    expect((await backlot.visit("patient")).status).toBe(200);
  });

  test("deletes the site by its name, and by no other", async () => {
    await browser.go(dashboard("/sites/journey/settings"));
    await browser.click("Delete…");
    await browser.fill("Type", "journe");
    await (await browser.field("Type")).sendKeys(Key.ENTER);
    expect(await (await browser.driver.findElement(By.xpath("//button[normalize-space(.) = 'Delete for good']"))).isEnabled()).toBe(false);
    expect((await backlot.visit("journey")).status).toBe(200);
    await browser.fill("Type", "journey");
    await browser.click("Delete for good");
    await browser.arrives(/:\d+\/$/);
    await expect.poll(async () => (await backlot.visit("journey")).status, { timeout: 30_000 }).toBe(404);
    expect(await doneOperations().catch(({ code }) => code)).toBe("site_not_found");
  });

  describe("without a mouse", () => {
    let keys: Keyboard;
    /** What is wrong with the pages as they are passed, which a real site fills. */
    const faults = (): Promise<readonly string[]> => pageFaults(browser, 1280);
    const page = "public/index.html";

    beforeAll(async () => {
      keys = new Keyboard(browser);
      await browser.asWideAs(1280);
      await browser.keepsFocus();
      await browser.driver.manage().deleteAllCookies();
    });

    test("signs in and creates a site from a starter", async () => {
      await browser.prefers("dark");
      await browser.go(dashboard());
      await browser.sees("User name");
      expect(await faults()).toEqual([]);
      await keys.tabTo("User name");
      await keys.press("admin", Key.TAB);
      await expect.poll(() => keys.focused(), patience).toBe("Password");
      await keys.press(adminPassword, Key.ENTER);

      await browser.sees("Your sites");
      await keys.enter("New site");
      await browser.sees("Start from");
      await keys.tabTo("Web page");
      await keys.press(" ");
      await expect.poll(() => browser.driver.executeScript("return document.activeElement.getAttribute('aria-checked')"), patience).toBe("true");
      expect(await faults()).toEqual([]);
      await keys.tabTo("Name");
      await keys.press("by-keys", Key.ENTER);
      await browser.sees("Your site is ready.");
      expect(await faults()).toEqual([]);
      expect((await backlot.visit("by-keys")).status).toBe(200);
    });

    test("opens a file by the tree, changes it, saves it, and leaves the text again", async () => {
      await keys.enter("Edit files");
      await keys.tabTo("Files of by-keys");
      for (const path of ["public", page]) {
        await expect.poll(() => findInTree(path.split("/").at(-1) ?? ""), { ...patience, interval: 1_000 }).toBe(path);
        await keys.press(Key.ENTER);
      }
      await browser.area(page);
      // A machine with a mouse is led to the text at once.
      while (!(await textHasFocus())) await keys.press(Key.TAB);
      await keys.chord(Key.CONTROL, Key.HOME);
      await keys.press("<!-- written by keys -->");
      await keys.chord(Key.CONTROL, "s");
      await browser.sees("Saved");
      expect((await backlot.visit("by-keys")).text).toContain("<!-- written by keys -->");
      expect(await faults()).toEqual([]);
      // Tab belongs to the text: Escape lets go of it.
      await keys.press(Key.ESCAPE, Key.TAB);
      expect(await textHasFocus()).toBe(false);
    });

    test("reads the log, renames the site, changes its mind about deleting, and deletes it by its name", async () => {
      await browser.prefers("light");
      await keys.enter("Log");
      await browser.sees("Following live");
      expect(await faults()).toEqual([]);
      await keys.enter("Settings");
      await keys.enter("Rename…");
      await expect.poll(() => keys.focused(), patience).toBe("New name");
      await keys.chord(Key.CONTROL, "a");
      await keys.press("by-hand", Key.ENTER);
      await browser.arrives(/\/sites\/by-hand\/settings$/);
      await expect.poll(async () => [(await backlot.visit("by-hand")).status, (await backlot.visit("by-keys")).status], patience).toEqual([200, 404]);
      expect(await faults()).toEqual([]);
      await keys.enter("Delete…");
      await expect.poll(() => keys.focused(), patience).toBe("Type by-hand to confirm");
      await keys.press("by", Key.ESCAPE);
      await expect.poll(() => keys.focused(), patience).toBe("Delete…");
      await keys.press(Key.ENTER);
      await expect.poll(() => keys.focused(), patience).toBe("Type by-hand to confirm");
      await keys.press("by-hand", Key.ENTER);
      await browser.arrives(/:\d+\/$/);
      await browser.sees("quiet");
      await expect.poll(async () => (await backlot.visit("by-hand")).status, patience).toBe(404);
      expect(await faults()).toEqual([]);
      expect(keys.ringless).toEqual([]);
    });

    const textHasFocus = (): Promise<boolean> => browser.driver.executeScript<boolean>("return document.activeElement.isContentEditable");
    /** Types a name in the tree, which then names that line as the present one. Letters that come slowly are taken for new names: then once more. */
    async function findInTree(name: string): Promise<string> {
      await keys.press(name);
      return keys.present();
    }
  });
});
