import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { adminPassword, startBacklot } from "../support/backlot.ts";
import { Browser } from "../support/backlot-browser.ts";
import { TaskLab } from "../support/backlot-tasks.ts";
import { titled, whyNoBrowser } from "../support/needs.ts";

const missing = whyNoBrowser();

const manual = `title: Yearly report
description: Counts what happened in a year.
parameters:
  - {name: year, label: Year, type: choice, choices: ["2025", "2026"], isRequired: true}
  - {name: pages, label: Pages, type: number, min: 1}
`;
const taskAddress = /\/tasks\/[0-9a-f-]{36}$/;

test.skipIf(missing !== null)(
  titled("a person runs a script and follows it, cancels one, searches the history, plans and changes a schedule and looks at the charts", missing),
  async () => {
    await using backlot = await startBacklot();
    const lab = new TaskLab(backlot);
    await lab.script("report.sh", 'echo "report of $1"\nuntil [ -e report.go ]; do sleep 0.05; done\necho "the report is finished"', manual);
    await lab.script("long.sh", "echo begun\nexec sleep 600");
    await using browser = await Browser.open();
    const { driver } = browser;

    await browser.go(backlot.manager.replace("127.0.0.1", "localhost"));
    await browser.fill("User name", "admin");
    await browser.fill("Password", adminPassword);
    await browser.click("Sign in");

    await browser.click("Tasks");
    await browser.sees("Nothing has been run yet");
    await browser.click("Run a script");
    await browser.pick("Yearly report");
    await browser.click("Run");
    await expect.poll(() => browser.problemAt("Year"), { timeout: 10_000 }).toBe("This is required.");
    expect(await browser.problemAt("Pages")).toBe("");
    await browser.select("Year", "2026");
    expect(await browser.problemAt("Year")).toBe("");
    await browser.click("Run");

    await browser.arrives(taskAddress);
    await browser.sees("report of 2026");
    await browser.sees("Following live");
    await browser.misses("the report is finished");
    await writeFile(join(backlot.data, "homedir", "report.go"), "");
    await browser.sees("the report is finished");
    await browser.sees("This is the end.");
    await browser.sees("Done");

    const first = await driver.getCurrentUrl();
    await browser.click("Run again");
    await driver.wait(async () => (await driver.getCurrentUrl()) !== first, 20_000);
    await browser.sees("the earlier task");
    await browser.sees("the report is finished");
    await browser.sees("Done");

    await browser.click("Tasks");
    await browser.click("Run a script");
    await browser.pick("long.sh");
    await browser.click("Run");
    await browser.sees("begun");
    await browser.sees("Running");
    await browser.click("Cancel");
    await browser.sees("Cancelled");

    await browser.click("Tasks");
    await browser.sees("long.sh");
    await browser.fill("Search tasks", "2026");
    await browser.misses("long.sh");
    await browser.sees("report.sh 2026");
    await browser.arrives(/\/tasks\?q=/);
    await browser.fill("Search tasks", "nothing like it");
    await browser.sees("No task matches");
    await browser.click("Show all tasks");
    await browser.sees("long.sh");
    // The search is empty again, too, and does not come back.
    await browser.driver.wait(async () => (await (await browser.field("Search tasks")).getAttribute("value")) === "", 20_000);

    await browser.click("Schedules");
    await browser.sees("There is no schedule yet");
    await browser.click("New schedule");
    await browser.fill("Name", "Nightly report");
    await browser.select("Often wanted", "Every day at 5:30");
    await browser.sees("Next runs");
    await expect.poll(() => driver.executeScript(nextRuns), { timeout: 10_000 }).toEqual(Array.from({ length: 5 }, () => expect.stringContaining("5:30")));
    await browser.pick("Yearly report");
    await browser.select("Year", "2025");
    await browser.click("Create schedule");
    await browser.arrives(/\/schedules$/);
    await browser.sees("Next: ");

    await browser.click("Nightly report");
    await browser.arrives(/\/schedules\/[0-9a-f-]{36}$/);
    await browser.fill("Name", "Evening report");
    await browser.click("Save");
    await browser.arrives(/\/schedules$/);
    await browser.sees("Evening report");
    await browser.misses("Nightly report");
    await browser.sees("Next: ");
    // What it runs is as it was.
    await browser.click("Run Evening report now");
    await browser.arrives(taskAddress);
    await browser.sees("report of 2025");
    await browser.sees("Done");

    await browser.click("Tasks");
    await browser.click("Schedules");
    await browser.sees("Last: Done");
    await (await browser.field("Active")).click();
    await browser.sees("Paused");
    await browser.click("Delete Evening report");
    await browser.sees("It does not run any more.");
    await browser.click("Delete the schedule");
    await browser.sees("There is no schedule yet");

    await browser.click("Tasks");
    await browser.click("Charts");
    expect(await browser.painted("Tasks a day: 4 in all, 3 of them done", "--good")).toBeGreaterThan(100);
    for (const [words, colour] of [
      ["Duration of tasks a day", "--accent"],
      ["Wait of tasks a day", "--accent"],
      ["Free disk space after each task", "--night"],
    ] as const)
      expect(await browser.painted(words, colour), words).toBeGreaterThan(5);

    // The original's pages: nothing but themselves is loaded, and the policy lets their style sheet through.
    for (const [address, title] of [
      ["daily", "Daily Task Count Data This Month"],
      ["disk", "Disk Space Remaining This Month"],
    ] as const) {
      await browser.go(new URL(`/task/charts/${address}`, await driver.getCurrentUrl()).href);
      await browser.sees(title);
      expect(await driver.executeScript(drawn), title).toEqual({ marks: true, isColoured: true, loaded: 0 });
    }
    await browser.sees("Free space after each task");

    const complaints = (await driver.manage().logs().get("browser")).filter(({ level }) => level.name === "SEVERE").map(({ message }) => message);
    expect(complaints.filter((message) => !message.includes("Failed to load resource"))).toEqual([]);
  },
  240_000,
);

/** The moments of the preview. */
const nextRuns = `
  const title = [...document.querySelectorAll("p")].find((each) => each.textContent.startsWith("Next runs"));
  return [...title.parentElement.querySelectorAll("li")].map((each) => each.textContent);`;

/** What a page of the original's shows of its chart, and how many files it loaded besides itself. */
const drawn = `
  const marks = [...document.querySelectorAll("svg .mark, svg .line")].filter((each) => each.getBoundingClientRect().height > 0);
  const style = marks.length === 0 ? null : getComputedStyle(marks[0]);
  const isColoured = style !== null && [style.fill, style.stroke].some((each) => !["none", "rgb(0, 0, 0)"].includes(each));
  const loaded = performance.getEntriesByType("resource").filter((each) => !each.name.endsWith("/favicon.ico")).length;
  return { marks: marks.length > 0, isColoured, loaded };`;
