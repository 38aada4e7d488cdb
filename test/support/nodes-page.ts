import { By, until } from "selenium-webdriver";
import { adminPassword, type Backlot } from "./backlot.ts";
import { Browser } from "./backlot-browser.ts";

/** How long anything may take to appear, in milliseconds. */
const patienceMs = 20_000;

/** An administrator before the page of nodes, in a browser of their own. */
export class NodesPage implements AsyncDisposable {
  readonly browser: Browser;

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async open(backlot: Backlot): Promise<NodesPage> {
    const page = new NodesPage(await Browser.open());
    try {
      await page.browser.go(`${backlot.manager}/nodes`);
      await page.browser.fill("User name", "admin");
      await page.browser.fill("Password", adminPassword);
      await page.browser.click("Sign in");
      await page.browser.sees("Other processes");
    } catch (error) {
      await page[Symbol.asyncDispose]();
      throw error;
    }
    return page;
  }

  /** What is to be read of the machine with this address, line by line; empty where it does not stand there. */
  async machine(url: string): Promise<string> {
    const [card] = await this.browser.driver.findElements(By.xpath(cardOf(url)));
    // What is drawn anew while it is read is read again.
    return (await card?.getText().catch(() => "")) ?? "";
  }

  /** Presses a button of a machine and says yes to what is asked then; gives what was asked. */
  async confirm(url: string, button: string): Promise<string> {
    const { driver } = this.browser;
    // A card is drawn anew with each heartbeat: what was found may be another one's place by the time it is pressed.
    const press = (path: string) => async (): Promise<boolean> =>
      driver
        .findElement(By.xpath(path))
        .then((found) => found.click())
        .then(
          () => true,
          () => false,
        );
    await driver.wait(press(`${cardOf(url)}//button[normalize-space(.) = "${button}"]`), patienceMs);
    const dialog = await driver.wait(until.elementLocated(By.css("[role=dialog]")), patienceMs);
    // It comes into sight little by little.
    let asked = "";
    await driver.wait(async () => {
      asked = await dialog.getText();
      return asked !== "";
    }, patienceMs);
    await driver.wait(press(`//*[@role = "dialog"]//button[normalize-space(.) = "${button}"]`), patienceMs);
    return asked;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
  }
}

function cardOf(url: string): string {
  return `//ul[@aria-label = "Machines"]/li[.//p[normalize-space(.) = "${url}"]]`;
}
