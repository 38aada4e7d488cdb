import { By, Key, until, type WebElement } from "selenium-webdriver";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeMember, setMember } from "#contract/api/members.ts";
import { createSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import { Browser } from "../support/backlot-browser.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();

const patienceMs = 30_000;

/** What the terminal that is in front shows. */
async function shown({ driver }: Browser): Promise<string> {
  return driver.executeScript<string>(
    "return [...document.querySelectorAll('[data-terminal]')].filter((each) => each.offsetParent !== null).map((each) => each.querySelector('.xterm-rows')?.innerText ?? '').join('\\n')",
  );
}

async function shows(browser: Browser, text: string | RegExp): Promise<void> {
  let last = "";
  await browser.driver
    .wait(async () => {
      last = (await shown(browser)).replaceAll("\u00a0", " ");
      return typeof text === "string" ? last.includes(text) : text.test(last);
    }, patienceMs)
    .catch((cause: unknown) => {
      throw new Error(`the terminal does not show ${String(text)}, but: ${last}`, { cause });
    });
}

/** Where one types in the terminal that is in front. */
async function keyboard({ driver }: Browser): Promise<WebElement> {
  await driver.wait(until.elementLocated(By.css("[data-terminal=open]:not(.hidden) .xterm-helper-textarea")), patienceMs);
  return driver.findElement(By.css("[data-terminal=open]:not(.hidden) .xterm-helper-textarea"));
}

let backlot: Backlot;
beforeAll(async () => {
  backlot = await startBacklot();
});
afterAll(async () => {
  await backlot?.[Symbol.asyncDispose]();
});

/** A static site with one more member, who signs in at its terminal's page. */
async function visitTerminal(browser: Browser, site: string, given: { readonly username: string; readonly role: "editor" | "viewer" }): Promise<void> {
  const { username, role } = given;
  const { client, succeeded } = await backlot.admin();
  await succeeded((await client.call(createSite, { body: { name: site, kind: "static" } })).operation);
  await backlot.addPerson(username);
  await client.call(setMember, { params: { name: site, username }, body: { role } });
  await browser.go(`${backlot.manager.replace("127.0.0.1", "localhost")}/sites/${site}/terminal`);
  await browser.fill("User name", username);
  await browser.fill("Password", `password of ${username}`);
  await browser.click("Sign in");
}

test.skipIf(missing !== null)(
  titled("a person types into a terminal of a static site, opens a second one, reloads, and is put out when they are no member any more", missing),
  async () => {
    await using browser = await Browser.open();
    const { driver } = browser;
    await visitTerminal(browser, "pages", { username: "ben", role: "editor" });

    // A shell with the site's files, on a real terminal.
    await shows(browser, "pages:");
    await (await keyboard(browser)).sendKeys("pwd; tty; echo first-$((40 + 2))", Key.ENTER);
    await shows(browser, "first-42");
    await shows(browser, "/site");

    // It has as many columns as there is room for, and hears of every change.
    const columns = async (): Promise<number> => {
      await (await keyboard(browser)).sendKeys("clear; echo columns=$(tput cols)", Key.ENTER);
      await shows(browser, /columns=\d+/);
      return Number(/columns=(\d+)/.exec(await shown(browser))?.[1]);
    };
    const wide = await columns();
    await driver.manage().window().setRect({ width: 700, height: 800 });
    await expect.poll(columns, { timeout: patienceMs }).toBeLessThan(wide);
    await driver.manage().window().setRect({ width: 1200, height: 900 });

    // Ctrl-C ends the program and not the shell.
    await (await keyboard(browser)).sendKeys("sh -c 'echo began-$((1 + 1)); exec sleep 600'", Key.ENTER);
    await shows(browser, "began-2");
    await (await keyboard(browser)).sendKeys(Key.chord(Key.CONTROL, "c"), "echo code=$?", Key.ENTER);
    await shows(browser, "code=130");

    // A second one beside it, by its key.
    await (await keyboard(browser)).sendKeys(Key.chord(Key.ALT, "t"));
    await driver.wait(async () => (await driver.findElements(By.css("[role=tab]"))).length === 2, patienceMs);
    await (await keyboard(browser)).sendKeys("echo second-$((6 * 7))", Key.ENTER);
    await shows(browser, "second-42");
    expect(await shown(browser)).not.toContain("code=130");

    // After a reload both are there with what they showed, and go on.
    await browser.reload();
    await shows(browser, "second-42");
    await (await keyboard(browser)).sendKeys("echo again-$((7 * 7))", Key.ENTER);
    await shows(browser, "again-49");
    await (await driver.findElement(By.css("[role=tab][aria-selected=false]"))).click();
    await shows(browser, "code=130");

    // The same ones stand below the editor, and a file made there is in its tree at once.
    await browser.go(`${backlot.manager.replace("127.0.0.1", "localhost")}/sites/pages/files/`);
    // The one in the bar at its foot; the other is the page that was left.
    await (await driver.wait(until.elementLocated(By.xpath("//button[normalize-space(.) = 'Terminal'][@aria-pressed]")), patienceMs)).click();
    await shows(browser, "second-42");
    await (await keyboard(browser)).sendKeys("echo hello > from-the-terminal.txt", Key.ENTER);
    await browser.sees("from-the-terminal.txt");
    await browser.go(`${backlot.manager.replace("127.0.0.1", "localhost")}/sites/pages/terminal`);
    await shows(browser, "second-42");

    // No member any more: closed within two seconds, with the reason.
    const beganAt = Date.now();
    await (await backlot.admin()).client.call(removeMember, { params: { name: "pages", username: "ben" } });
    await driver.wait(async () => (await driver.findElements(By.css("[data-terminal=closed]"))).length === 2, patienceMs);
    expect(Date.now() - beganAt).toBeLessThan(2_500);
    await browser.sees("Your access to this site");

    const complaints = (await driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !/Failed to load resource|WebSocket connection/.test(message))).toEqual([]);
  },
  180_000,
);

test.skipIf(missing !== null)(
  titled("a viewer is told why there is no terminal for them", missing),
  async () => {
    await using browser = await Browser.open();
    await visitTerminal(browser, "others", { username: "vera", role: "viewer" });
    await browser.sees("No terminal for you here");
  },
  120_000,
);
