// What pages in several windows of one browser do when somebody signs in or out in one of them: nobody reads what another person has left.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Browser } from "../support/backlot-browser.ts";
import { MockPages } from "../support/mock-pages.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();
const patience = { timeout: 20_000 };
const secret = "Value of API_KEY";

describe.skipIf(missing !== null)(titled("windows of one browser", missing), { timeout: 240_000 }, () => {
  let pages: MockPages;
  let browser: Browser;
  /** Anna's, and the other one. */
  let first: string;
  let second: string;

  beforeAll(async () => {
    pages = await MockPages.open();
    browser = pages.browser;
    first = await browser.driver.getWindowHandle();
    await browser.driver.switchTo().newWindow("window");
    second = await browser.driver.getWindowHandle();
  });
  afterAll(async () => pages?.[Symbol.asyncDispose]());

  const be = (username: string | null): void => {
    pages.world.me = pages.world.users.find((user) => user.username === username) ?? null;
  };
  const script = (text: string): Promise<unknown> => browser.driver.executeScript(text);
  const use = (window: string): Promise<void> => browser.driver.switchTo().window(window);
  async function signIn(username: string): Promise<void> {
    await browser.fill("User name", username);
    await browser.fill("Password", "backlot-demo");
    await browser.click("Sign in");
    await browser.sees("Your sites");
  }

  beforeEach(async () => {
    be("anna");
    await use(second);
    await browser.go(`${pages.base}/`);
    await browser.sees("Your sites");
    await use(first);
    await browser.go(`${pages.base}/sites/robotics/settings`);
    await browser.field(secret);
    await script("window.isTheSame = true");
  });
  const isReloaded = async (): Promise<boolean> => (await script("return window.isTheSame ?? null")) === null;

  test("signing out in one takes the data from all others", async () => {
    await use(second);
    await browser.click("Menu of anna");
    await browser.choose("menuitem", "Sign out");
    await browser.arrives(/\/sign-in$/);
    await use(first);
    await browser.arrives(/\/sign-in$/);
    await browser.misses("Environment variables");
  });

  test("somebody else who signs in finds nothing of the one before", async () => {
    await use(second);
    await browser.go(`${pages.base}/sign-in`);
    await signIn("ben");
    await use(first);
    await browser.sees("Your sites");
    await browser.misses("Environment variables");
    await browser.click("Menu of ben");
  });

  test("whoever signs in again in one goes on in all of them, with what was typed", async () => {
    await browser.fill(secret, "typed");
    be(null);
    await script("dispatchEvent(new Event('focus'))");
    await browser.sees("Your session has ended");
    await use(second);
    await browser.go(`${pages.base}/sign-in`);
    await signIn("anna");
    await use(first);
    await browser.misses("Your session has ended");
    expect(await (await browser.field(secret)).getAttribute("value")).toBe("typed");
    expect(await isReloaded()).toBe(false);
  });

  test("a page that heard of nothing is loaded anew for somebody else, once it has the focus", async () => {
    be("ben");
    await script("dispatchEvent(new Event('focus'))");
    await expect.poll(isReloaded, patience).toBe(true);
    await browser.click("Menu of ben");
  });

  test("a page that the browser has kept to go back to is loaded anew", async () => {
    be(null);
    await script("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
    await expect.poll(isReloaded, patience).toBe(true);
    await browser.arrives(/\/sign-in/);
    await browser.misses("Environment variables");
  });
});
