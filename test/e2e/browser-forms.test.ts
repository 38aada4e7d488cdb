// Forms of the dashboard while others change the same thing, and while the manager does not answer: the built pages before a pretended manager.
import { Key } from "selenium-webdriver";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { scheduleView } from "#contract/api/schedules.ts";
import { Failure, problemOf } from "#contract/failure.ts";
import { imageView } from "#contract/image.ts";
import type { Browser } from "../support/backlot-browser.ts";
import { MockPages } from "../support/mock-pages.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();
const patience = { timeout: 20_000 };

describe.skipIf(missing !== null)(titled("a form of the dashboard", missing), { timeout: 240_000 }, () => {
  let pages: MockPages;
  let browser: Browser;

  beforeAll(async () => {
    pages = await MockPages.open();
    browser = pages.browser;
  });
  afterEach(() => pages.letThrough());
  afterAll(async () => pages?.[Symbol.asyncDispose]());

  const typedIn = async (label: string): Promise<string | null> => (await browser.field(label)).getAttribute("value");
  const siteCalled = (name: string) => {
    const site = pages.world.sites.get(name);
    if (site === undefined) throw new Error(`the mock has lost its site ${name}`);
    return site;
  };
  /** From now on the manager fails at what is asked for so. */
  const failAt = (path: string): void =>
    pages.meddle(({ method, url = "" }, response) => {
      if (method !== "GET" || !url.startsWith(`/api/v1/${path}`)) return false;
      const failure = new Failure("internal", { requestId: "r-1" });
      response.writeHead(failure.status, { "content-type": "application/problem+json" }).end(JSON.stringify(problemOf(failure)));
      return true;
    });

  test("of a schedule leaves alone what others changed meanwhile, and keeps its several values apart", async () => {
    const all = async () => z.object({ schedules: z.array(scheduleView) }).parse(await pages.ask("GET", "schedules")).schedules;
    const [schedule] = await all();
    if (schedule === undefined) throw new Error("the mock has lost its schedules");
    const path = `schedules/${schedule.id}`;
    const task = { ...schedule.task, parameters: { target: "attic", exclude: ["*.tmp", "*.log"] } };
    await pages.ask("PATCH", path, { task });
    await browser.go(`${pages.base}/${path}`);
    expect(await typedIn("Leave out")).toBe("*.tmp\n*.log");
    await browser.fill("Name", "Every night");
    await pages.ask("PATCH", path, { cron: "0 3 * * *", overlap: "queue", task: { ...task, timeoutSeconds: 60 } });
    await browser.click("Save");
    await browser.arrives(/\/schedules$/);
    const saved = { name: "Every night", cron: "0 3 * * *", overlap: "queue", task: { ...task, timeoutSeconds: 60 } };
    expect((await all())[0]).toMatchObject(saved);
    await browser.go(`${pages.base}/${path}`);
    await (await browser.field("Leave out")).sendKeys("\n*.bak");
    await browser.click("Save");
    await browser.arrives(/\/schedules$/);
    expect((await all())[0]?.task.parameters).toEqual({ target: "attic", exclude: "*.tmp\n*.log\n*.bak" });
  });

  test("of an image sends what was changed in it and nothing else", async () => {
    await browser.go(`${pages.base}/images`);
    await browser.click("Edit Python 3.13");
    await browser.fill("Name", "Python");
    await pages.ask("PATCH", "images/2", { description: "Theirs", isDefault: true });
    await browser.click("Save");
    await browser.sees("Python is in the catalogue");
    const { images } = z.object({ images: z.array(imageView) }).parse(await pages.ask("GET", "images"));
    expect(images.find(({ id }) => id === 2)).toMatchObject({ name: "Python", description: "Theirs", isDefault: true });
  });

  test("to run a script keeps what was filled in when the scripts cannot be read again", async () => {
    await browser.go(`${pages.base}/tasks/run`);
    await browser.pick("Back up the home folder");
    await browser.fill("Leave out", "*.tmp");
    failAt("scripts");
    // As when somebody comes back to the window; the list has to be some seconds old.
    const comeBack = async (): Promise<string> => {
      await browser.driver.executeScript("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
      return browser.driver.executeScript("return document.body.innerText");
    };
    await expect.poll(comeBack, patience).toContain("Try again");
    expect(await typedIn("Leave out")).toBe("*.tmp");
    pages.letThrough();
    await browser.click("Try again");
    await browser.misses("Try again");
    expect(await typedIn("Leave out")).toBe("*.tmp");
  });

  test("of variables goes with the site to its new name", async () => {
    await browser.go(`${pages.base}/sites/weather/settings`);
    await browser.fill("Value of GREETING", "typed");
    await browser.click("Rename…");
    await browser.fill("New name", "weather-two");
    await browser.click("Rename");
    await browser.arrives(/\/sites\/weather-two\/settings$/);
    await browser.sees("weather-two");
    expect(await typedIn("Value of GREETING")).toBe("typed");
    await browser.click("Save and restart");
    await expect.poll(() => siteCalled("weather-two").environment, patience).toMatchObject({ GREETING: "typed" });
  });

  test("of members asks before one takes something from oneself, and keeps the focus", async () => {
    const library = siteCalled("library");
    await browser.go(`${pages.base}/sites/library/members`);
    await (await browser.field("Role of ben")).sendKeys(Key.ARROW_UP);
    await expect.poll(() => library.members.get("ben"), patience).toBe("editor");
    await browser.sees("ben is now editor");
    expect(await browser.driver.executeScript("return document.activeElement.ariaLabel")).toBe("Role of ben");
    library.members.set("anna", "owner");
    await (await browser.field("Role of admin")).sendKeys(Key.ARROW_DOWN);
    await browser.sees("Make yourself editor of library?");
    await browser.click("Cancel");
    await browser.misses("Make yourself editor of library?");
    expect([library.members.get("admin"), await typedIn("Role of admin")]).toEqual(["owner", "owner"]);
    await (await browser.field("Role of admin")).sendKeys(Key.ARROW_DOWN);
    library.view = { ...library.view, you: { role: "editor", may: library.view.you.may.filter((verb) => verb !== "site.members") } };
    await browser.click("Change my role");
    // What one may do is asked for anew.
    await browser.misses("Add someone");
    expect(library.members.get("admin")).toBe("editor");
  });

  test("of members tells of every change how it ended, and goes on asking while others end", async () => {
    const choir = siteCalled("choir");
    choir.members.set("anna", "owner");
    const refuse = Promise.withResolvers<void>();
    pages.meddle(({ method, url = "" }, response) => {
      if (method !== "PUT" || !url.endsWith("/members/anna")) return false;
      const failure = new Failure("last_owner");
      const body = JSON.stringify(problemOf(failure));
      void refuse.promise.then(() => response.writeHead(failure.status, { "content-type": "application/problem+json" }).end(body));
      return true;
    });
    await browser.go(`${pages.base}/sites/choir/members`);
    await (await browser.field("Role of anna")).sendKeys(Key.ARROW_DOWN);
    await (await browser.field("Role of ben")).sendKeys(Key.ARROW_UP);
    await (await browser.field("Role of admin")).sendKeys(Key.ARROW_DOWN);
    await browser.sees("Make yourself editor of choir?");
    refuse.resolve();
    await browser.sees("anna: A site needs an owner.");
    await browser.sees("ben is now editor");
    await browser.click("Change my role");
    await browser.misses("Make yourself editor of choir?");
    expect([...choir.members]).toEqual(Object.entries({ admin: "editor", anna: "owner", ben: "editor" }));
  });

  test("of members leads to the other sites once one has left", async () => {
    siteCalled("garden").members.set("anna", "owner");
    await browser.go(`${pages.base}/sites/garden/members`);
    await browser.click("Leave this site");
    await browser.click("Leave the site");
    await browser.sees("Your sites");
    expect(new URL(await browser.driver.getCurrentUrl()).pathname).toBe("/");
    expect(siteCalled("garden").members.has("admin")).toBe(false);
  });

  test("of users asks before one gives up being an administrator", async () => {
    await browser.go(`${pages.base}/users`);
    await browser.click("Actions for admin");
    await browser.choose("menuitem", "Make ordinary member");
    await browser.sees("Make yourself an ordinary member?");
    await browser.click("Make me an ordinary member");
    await browser.sees("Backlot needs an administrator");
    await browser.click("Cancel");
    await browser.misses("Make yourself an ordinary member?");
    expect(pages.world.me?.role).toBe("administrator");
  });

  test("and a list of tasks says by its button that earlier ones did not come", async () => {
    await browser.go(`${pages.base}/tasks`);
    await browser.sees("Show earlier tasks");
    failAt("tasks?limit=30&cursor=");
    await browser.click("Show earlier tasks");
    await browser.sees("r-1");
    pages.letThrough();
    await browser.click("Show earlier tasks");
    await browser.misses("r-1");
  });
});
