import { Key } from "selenium-webdriver";
import { expect, test } from "vitest";
import { adminPassword, startBacklot } from "../support/backlot.ts";
import { Browser } from "../support/backlot-browser.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();

// scripts/prepare.mjs installs Debian's chromium before `npm test` where it may.
test.skipIf(missing !== null)(
  titled("a person signs in, creates a site from a starter, edits a file, opens the site and reads its log", missing),
  async () => {
    await using backlot = await startBacklot();
    await using browser = await Browser.open();
    const { driver } = browser;

    await browser.go(backlot.manager.replace("127.0.0.1", "localhost"));
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
    await editor.sendKeys(Key.chord(Key.CONTROL, Key.HOME), "console.log('edited by a person');\n");
    await browser.click("Save");
    await browser.sees("Saved");
    const saved = (await (await backlot.admin()).get("journey", "server.js")).toString();
    expect(saved).toBe(`console.log('edited by a person');\n${before}`);

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
    // Asking who is signed in before anybody is, and a site without an icon, are answered 401 and 404; scripts and policies have nothing to complain of.
    const complaints = (await driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !message.includes("Failed to load resource"))).toEqual([]);
  },
  240_000,
);
