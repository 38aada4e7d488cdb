// The built dashboard in a real browser before a pretended manager: what its pages draw and do. What holds for every page is in browser-access.test.ts.
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMockWorld, type MockWorld } from "../../web/dev/mock-world.ts";
import { serveBuilt } from "../../web/dev/serve-built.ts";
import { Browser } from "../support/backlot-browser.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();

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
  }, 120_000);

  test("breaks no rule of its own policy", async () => {
    const complaints = (await browser.driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !message.includes("Failed to load resource"))).toEqual([]);
  });
});
