import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Builder, By, until, type WebDriver, type WebElement } from "selenium-webdriver";
import { Options, ServiceBuilder } from "selenium-webdriver/chrome.js";
import type { ChromiumWebDriver } from "selenium-webdriver/chromium.js";
import { z } from "zod";

const browserPath = "/usr/bin/chromium";
const driverPath = "/usr/bin/chromedriver";

const spokenValue = z.object({ value: z.unknown().transform(String) });
const axTree = z.object({ nodes: z.array(z.object({ ignored: z.boolean(), role: spokenValue.optional(), name: spokenValue.optional() })) });

/** A part of a page as it is read out. */
export interface SpokenNode {
  readonly role: string;
  readonly name: string;
}

/** How long anything may take to appear, in milliseconds: a loaded machine draws slowly. */
const patienceMs = 20_000;

/** A person at a headless Chromium: finds things by what they are called, as a person does. */
export class Browser implements AsyncDisposable {
  readonly driver: WebDriver;
  readonly #profile: string;

  private constructor(driver: WebDriver, profile: string) {
    this.driver = driver;
    this.#profile = profile;
  }

  static async open(): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), "backlot-chromium-"));
    // Without the background flags Chromium calls Google's hosts at every start; root needs --no-sandbox.
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
    const more = ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1200,900", `--user-data-dir=${profile}`];
    const options = new Options();
    options.addArguments(...flags, ...more);
    options.setBinaryPath(browserPath);
    const driver = await new Builder().forBrowser("chrome").setChromeOptions(options).setChromeService(new ServiceBuilder(driverPath)).build();
    return new Browser(driver, profile);
  }

  /** Opens an address. */
  async go(address: string): Promise<void> {
    await this.#settled(() => this.driver.get(address));
  }

  /** Loads the page again. */
  async reload(): Promise<void> {
    await this.#settled(() => this.driver.navigate().refresh());
  }

  /** Makes the page as wide as some device is. */
  async asWideAs(widthPx: number): Promise<void> {
    const isPhone = widthPx < 600;
    const metrics = { width: widthPx, height: 900, deviceScaleFactor: 1, mobile: isPhone };
    await this.#chromium.sendDevToolsCommand("Emulation.setDeviceMetricsOverride", metrics);
  }

  /** The page has the person's attention, even where Tab has led out of it: rings are drawn in such a page only. */
  async keepsFocus(): Promise<void> {
    await this.#chromium.sendDevToolsCommand("Emulation.setFocusEmulationEnabled", { enabled: true });
  }

  /** What the system prefers, as far as pages can tell. Nothing moves from then on: what is looked at is not on its way. */
  async prefers(scheme: "dark" | "light"): Promise<void> {
    const features = [
      { name: "prefers-color-scheme", value: scheme },
      { name: "prefers-reduced-motion", value: "reduce" },
    ];
    await this.#chromium.sendDevToolsCommand("Emulation.setEmulatedMedia", { features });
  }

  /** Everything that is told to those who cannot see the page, by its role and name. */
  async spoken(): Promise<readonly SpokenNode[]> {
    const answer: unknown = await this.#chromium.sendAndGetDevToolsCommand("Accessibility.getFullAXTree", {});
    return axTree.parse(answer).nodes.flatMap(({ ignored, role, name }) => (ignored ? [] : [{ role: role?.value ?? "", name: name?.value ?? "" }]));
  }

  /** The control that a label names, or that bears the name itself. */
  async field(label: string): Promise<WebElement> {
    const found = await this.#find(
      By.xpath(`//label[@for][starts-with(normalize-space(.), ${quoted(label)})] | //*[self::input or self::select][@aria-label = ${quoted(label)}]`),
    );
    if ((await found.getTagName()) !== "label") return found;
    return this.driver.findElement(By.id((await found.getAttribute("for")) ?? ""));
  }

  /** Chooses an option of the list that a label names. */
  async select(label: string, option: string): Promise<void> {
    const list = await this.field(label);
    await (await list.findElement(By.xpath(`./option[normalize-space(.) = ${quoted(option)}]`))).click();
  }

  /** Chooses the card of a group of radio buttons whose first words are these. */
  async pick(text: string): Promise<void> {
    await (await this.#find(By.xpath(`//label[.//input[@type="radio"]][starts-with(normalize-space(.), ${quoted(text)})]`))).click();
  }

  /** What is wrong with the control that a label names; empty when nothing is. */
  async problemAt(label: string): Promise<string> {
    const control = await this.field(label);
    if ((await control.getAttribute("aria-invalid")) !== "true") return "";
    const [id = ""] = ((await control.getAttribute("aria-describedby")) ?? "").split(" ").filter((each) => each.endsWith("-error"));
    return this.driver.findElement(By.id(id)).getText();
  }

  /** What a picture is said to show: the one whose words begin so. */
  async picture(words: string): Promise<WebElement> {
    return this.#find(By.xpath(`//*[@role="img"][starts-with(@aria-label, ${quoted(words)})]`));
  }

  /** How many points of a chart, the one whose words begin so, have a colour of the scheme (`--good`): what is drawn of a series, not of the axes. */
  async painted(words: string, role: `--${string}`): Promise<number> {
    return Number(await this.driver.executeScript(countPoints, await this.picture(words), role));
  }

  /** Waits until the address ends so. */
  async arrives(pattern: RegExp): Promise<void> {
    await this.driver.wait(until.urlMatches(pattern), patienceMs);
  }

  /** Waits until the page shows a text no more. */
  async misses(text: string): Promise<void> {
    const shown = async () => (await this.driver.findElement(By.css("body")).getText()).includes(text);
    await this.driver.wait(async () => !(await shown()), patienceMs, `${text} is still to be seen`);
  }

  async fill(label: string, text: string): Promise<void> {
    const control = await this.field(label);
    await control.clear();
    await control.sendKeys(text);
  }

  /** Clicks the button or link with this text or name, when it can be clicked. */
  async click(text: string): Promise<void> {
    const found = await this.#find(
      By.xpath(`//*[self::button or self::a or @role="radio" or @role="tab"][normalize-space(.) = ${quoted(text)} or @aria-label = ${quoted(text)}]`),
    );
    await this.driver.wait(until.elementIsEnabled(found), patienceMs);
    await found.click();
  }

  /** Clicks the link that leads to an address. */
  async follow(address: string): Promise<void> {
    await (await this.#find(By.css(`a[href="${address}"]`))).click();
  }

  /** Clicks the first thing of this role whose text begins so. */
  async choose(role: string, text: string): Promise<void> {
    const found = await this.#find(
      By.xpath(
        `//*[@role="${role}"][starts-with(normalize-space(.), ${quoted(text)})] | //*[@role="${role}"][.//*[normalize-space(text()) = ${quoted(text)}]]`,
      ),
    );
    await found.click();
  }

  /** Waits until the page shows a text. */
  async sees(text: string): Promise<void> {
    await this.#find(By.xpath(`//body//*[contains(normalize-space(.), ${quoted(text)})]`));
  }

  /** Whether the log's line with this text can be seen without scrolling in the log. */
  async spots(text: string): Promise<boolean> {
    const found = await this.#find(By.xpath(`//*[@role="log"]//li[contains(normalize-space(.), ${quoted(text)})]`));
    return this.driver.executeScript<boolean>(isInSight, found);
  }

  /** The text that can be edited under this name. */
  async area(label: string): Promise<WebElement> {
    return this.#find(By.xpath(`//*[self::textarea or @role="textbox"][@aria-label=${quoted(label)}]`));
  }

  /** The thing of this role whose name begins so. */
  async named(role: string, name: string): Promise<WebElement> {
    return this.#find(By.xpath(`//*[@role="${role}"][starts-with(@aria-label, ${quoted(name)})]`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.driver.quit();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  // Chromium breaks off what it loads when a network interface comes or goes, and each sandbox of the other tests has one.
  // What the library types as any browser is Chromium here.
  get #chromium(): ChromiumWebDriver {
    return this.driver as ChromiumWebDriver;
  }

  async #settled(load: () => Promise<void>): Promise<void> {
    for (let round = 0; round < 10; round += 1) {
      const failure = await load().then(
        () => undefined,
        (error: unknown) => error,
      );
      const shown = failure === undefined ? await this.driver.findElement(By.css("body")).getText() : String(failure);
      if (shown.includes("ERR_NETWORK_CHANGED")) continue;
      if (failure !== undefined) throw failure;
      return;
    }
  }

  async #find(by: By): Promise<WebElement> {
    try {
      const element = await this.driver.wait(until.elementLocated(by), patienceMs);
      return await this.driver.wait(until.elementIsVisible(element), patienceMs);
    } catch (cause) {
      const page = await this.driver.findElement(By.css("body")).getText();
      throw new Error(`${by} is not to be seen at ${await this.driver.getCurrentUrl()}, where it says:\n${page.slice(0, 2000)}`, { cause });
    }
  }
}

const isInSight = `
  const [line] = arguments;
  const [own, log] = [line, line.closest("[role=log]")].map((each) => each.getBoundingClientRect());
  return own.top >= log.top && own.bottom <= log.bottom;`;

const countPoints = `
  const [place, role] = arguments;
  const canvas = place.querySelector("canvas");
  place.style.color = "var(" + role + ")";
  const colour = getComputedStyle(place).color.match(/\\d+/g).slice(0, 3).map(Number);
  place.style.color = "";
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255 && colour.every((value, index) => data[at + index] === value)) count += 1;
  return count;`;

function quoted(text: string): string {
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}
