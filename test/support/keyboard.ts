import { error, Key } from "selenium-webdriver";
import type { Browser } from "./backlot-browser.ts";
import { ringFaults } from "./page-faults.ts";

/** How long Tab may be pressed for something that is drawn late, in milliseconds. */
const patienceMs = 60_000;

/** A person without a mouse: everything is reached with Tab, and what has the focus has to show it. */
export class Keyboard {
  readonly #browser: Browser;
  readonly #ringless = new Set<string>();

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** What was met on the way and did not show that it had the focus, in sentences. */
  get ringless(): readonly string[] {
    return [...this.#ringless];
  }

  /** Presses keys one after the other. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#browser.driver
      .actions()
      .sendKeys(...keys)
      .perform();
  }

  /** Presses keys together: Ctrl and S. */
  async chord(held: string, key: string): Promise<void> {
    await this.#browser.driver.actions().keyDown(held).sendKeys(key).keyUp(held).perform();
  }

  /** Holds a key until something has come of it: at its fastest a person is slower than a page, and a test is not. */
  async hold(key: string, isDone: () => Promise<boolean>): Promise<void> {
    await this.#browser.driver.actions().keyDown(key).perform();
    await this.#browser.driver.wait(isDone, patienceMs);
    await this.#browser.driver.actions().keyUp(key).perform();
  }

  /** What is said of the thing that has the focus. */
  async focused(): Promise<string> {
    const { driver } = this.#browser;
    try {
      return await (await driver.switchTo().activeElement()).getAccessibleName();
    } catch (failure) {
      // A page that is drawn anew takes the focused thing away, before its name is asked for or while it is looked for.
      if (failure instanceof error.StaleElementReferenceError || failure instanceof error.NoSuchElementError) return "";
      throw failure;
    }
  }

  /** The line of a tree, or the like, that has the focus by name only. */
  async present(): Promise<string> {
    return String(
      await this.#browser.driver.executeScript(
        "return document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.dataset.path ?? ''",
      ),
    );
  }

  /** Presses Tab until something has the focus whose name begins so; what is drawn late comes in the next round. */
  async tabTo(name: string): Promise<void> {
    const met = new Set<string>();
    const deadline = Date.now() + patienceMs;
    for (let now = await this.focused(); !now.startsWith(name); now = await this.focused()) {
      if (Date.now() > deadline) throw new Error(`Tab does not lead to ${name}, only to ${[...met].join(" | ")}`);
      met.add(now);
      await this.press(Key.TAB);
    }
    for (const fault of await ringFaults(this.#browser)) this.#ringless.add(fault);
  }

  /** Leads to a button or link with Tab and presses it. */
  async enter(name: string): Promise<void> {
    await this.tabTo(name);
    await this.press(Key.ENTER);
  }
}
