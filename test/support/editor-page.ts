import { By, Key, until, type WebElement } from "selenium-webdriver";
import { adminPassword, type Backlot } from "./backlot.ts";
import { Browser } from "./backlot-browser.ts";

/** How long anything may take to appear, in milliseconds. */
const patienceMs = 20_000;

/** A person at the editor of one site, in a browser of their own. */
export class EditorPage implements AsyncDisposable {
  readonly browser: Browser;
  readonly #origin: string;
  #site: string;

  private constructor(browser: Browser, origin: string, site: string) {
    this.browser = browser;
    this.#origin = origin;
    this.#site = site;
  }

  /** Signs in and shows a place of a site's files: `files/` or `edit/public/index.html`. */
  static async open(backlot: Backlot, who: { readonly user: string; readonly site: string; readonly place: string }): Promise<EditorPage> {
    const browser = await Browser.open();
    const origin = backlot.manager.replace("127.0.0.1", "localhost");
    const page = new EditorPage(browser, origin, who.site);
    await page.go(who.place);
    await page.signIn(who.user);
    await browser.driver.wait(until.urlContains(`/sites/${who.site}/`), patienceMs);
    return page;
  }

  /** Fills in the form that is shown to whoever is not signed in. */
  async signIn(user: string): Promise<void> {
    await this.browser.fill("User name", user);
    await this.browser.fill("Password", user === "admin" ? adminPassword : `password of ${user}`);
    await this.browser.click("Sign in");
  }

  /** Shows a place of the site, or of another one. */
  async go(place: string, site = this.#site): Promise<void> {
    this.#site = site;
    await this.browser.go(`${this.#origin}/sites/${site}/${place}`);
  }

  /** The line of the tree with this name. */
  async inTree(path: string): Promise<WebElement> {
    const { driver } = this.browser;
    const line = await driver.wait(until.elementLocated(By.css(`[role="treeitem"][data-path="${path}"]`)), patienceMs, `${path} is not in the tree`);
    return driver.wait(until.elementIsVisible(line), patienceMs);
  }

  /** Opens folders or a file by clicks in the tree, one after the other. */
  async openInTree(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const line = await this.inTree(path);
      if ((await line.getAttribute("aria-expanded")) !== "true") await line.click();
    }
  }

  /** Waits until the tree shows a path no more. */
  async goneFromTree(path: string): Promise<void> {
    await this.browser.driver.wait(
      async () => (await this.browser.driver.findElements(By.css(`[data-path="${path}"]`))).length === 0,
      patienceMs,
      `${path} is still in the tree`,
    );
  }

  /** Chooses from the menu of a line of the tree. */
  async act(path: string, choice: string): Promise<void> {
    await this.browser.driver
      .actions()
      .contextClick(await this.inTree(path))
      .perform();
    await this.browser.choose("menuitem", choice);
  }

  /** What the editor of a file holds. */
  async text(path: string): Promise<string> {
    await this.browser.area(path);
    // Read at once: the editor may be drawn anew between one look and the next.
    return this.browser.driver.executeScript(
      `return [...document.querySelectorAll('.cm-content[aria-label="' + arguments[0] + '"] .cm-line')].map((line) => line.textContent).join("\\n")`,
      path,
    );
  }

  /** Waits until the editor of a file holds this text. */
  async shows(path: string, part: string): Promise<void> {
    await this.browser.driver.wait(async () => (await this.text(path)).includes(part), patienceMs, `${path} does not show ${part}`);
  }

  /** Types where the text begins or ends. */
  async type(path: string, at: "begin" | "end", text: string): Promise<void> {
    const area = await this.browser.area(path);
    await area.sendKeys(Key.chord(Key.CONTROL, at === "begin" ? Key.HOME : Key.END), text);
  }

  async pressSave(): Promise<void> {
    await this.browser.driver.actions().keyDown(Key.CONTROL).sendKeys("s").keyUp(Key.CONTROL).perform();
  }

  /** Saves, and waits until it is said. */
  async save(): Promise<void> {
    await this.pressSave();
    await this.browser.sees("Saved");
  }

  /** The texts of all unsaved work that the browser keeps, whosever it is. */
  async drafts(): Promise<readonly string[]> {
    const script = `
      const [done] = arguments;
      (async () => {
      const found = (await indexedDB.databases()).map(({ name }) => name).filter((name) => name.startsWith("backlot-drafts")).sort();
      if (found.length === 0) return done([]);
      const open = indexedDB.open(found.at(-1));
      open.onsuccess = () => {
        const all = open.result.transaction("drafts").objectStore("drafts").getAll();
        all.onsuccess = () => { open.result.close(); done(all.result.map((draft) => draft.text)); };
      };
      })();`;
    return this.browser.driver.executeAsyncScript<string[]>(script);
  }

  /** Waits until the browser keeps unsaved work with this text. */
  async keepsDraft(text: string): Promise<void> {
    await this.browser.driver.wait(async () => (await this.drafts()).some((draft) => draft.includes(text)), patienceMs, "the browser keeps no draft");
  }

  /** From the next page on, opening these databases of the browser is never answered, and they are not told of, as if never made whole. */
  async neverOpens(names: readonly string[]): Promise<void> {
    const source = `{
      const { open, databases } = IDBFactory.prototype;
      IDBFactory.prototype.databases = async function () {
        return (await databases.call(this)).filter(({ name }) => !${JSON.stringify(names)}.includes(name));
      };
      IDBFactory.prototype.open = function (name, ...rest) {
        return ${JSON.stringify(names)}.includes(name) ? new EventTarget() : open.call(this, name, ...rest);
      };
    }`;
    await this.#command("Page.addScriptToEvaluateOnNewDocument", { source });
  }

  /** Drops files of this machine onto the page, as from a file manager. */
  async drop(target: WebElement, files: readonly string[]): Promise<void> {
    const { x, y, width, height } = await target.getRect();
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"])
      await this.#command("Input.dispatchDragEvent", { type, x: Math.round(x + width / 2), y: Math.round(y + height / 2), data });
  }

  /** Has downloads land in a folder of this machine, without a question. */
  async downloadsInto(folder: string): Promise<void> {
    await this.#command("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  }

  /** Makes the page as large as that of a phone, which is smaller than any window. */
  async resize(width: number, height: number): Promise<void> {
    await this.#command("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: true });
  }

  /** What scripts and policies complained of. */
  async complaints(): Promise<readonly string[]> {
    const entries = await this.browser.driver.manage().logs().get("browser");
    return entries.filter(({ level, message }) => level.name === "SEVERE" && !message.includes("Failed to load resource")).map(({ message }) => message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
  }

  async #command(name: string, parameters: object): Promise<void> {
    // Chromium's own way: the standard knows no files from outside.
    const driver = this.browser.driver as unknown as { sendDevToolsCommand(name: string, parameters: object): Promise<void> };
    await driver.sendDevToolsCommand(name, parameters);
  }
}
