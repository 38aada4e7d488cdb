// Opening files of a site with ten thousand of them, in headless Chromium, from the click to the text on the screen.
import { deploySite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { packed } from "../test/support/backlot-archive.ts";
import { EditorPage } from "../test/support/editor-page.ts";
import { whyNoBrowser } from "../test/support/needs.ts";
import { medianAndTail, type Table } from "./support/table.ts";

const site = "large";
const folders = 90;
const filesEach = 100;
/** All in one folder, beside those of the others: ten thousand in all. */
const crowd = 1_000;
const rounds = 40;
/** Folders in sight without scrolling. */
const seenFolders = 16;
const line = 'export const greeting = (name) => "Hello " + name;\n';

/** In the page: clicks what is there, and gives the milliseconds until an element is drawn. */
const untilDrawn = `
  const [clicked, drawn, done] = arguments;
  const there = (selector, then) => (document.querySelector(selector) === null ? requestAnimationFrame(() => there(selector, then)) : then());
  there(clicked, () => {
    const began = performance.now();
    document.querySelector(clicked).click();
    there(drawn, () => requestAnimationFrame(() => done(performance.now() - began)));
  });`;
/** In the page: gives the milliseconds from the navigation until an element is drawn. */
const sinceNavigation = `
  const [drawn, done] = arguments;
  const look = () => (document.querySelector(drawn) === null ? requestAnimationFrame(look) : requestAnimationFrame(() => done(performance.now())));
  look();`;

const fileOf = (folder: number, file: number): string => `private/lib${folder}/file${file}.js`;
const textOf = (path: string): string => `.cm-content[aria-label="${path}"] .cm-line`;
const lineOf = (path: string): string => `[role="treeitem"][data-path="${path}"]`;

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  const head = ["in a tree of 10,000 files", "median ms", "p95 ms"];
  if (whyNoBrowser() !== null) return [head, ["not measured: there is no Chromium", "", ""]];
  await using backlot = await startBacklot();
  await fill(backlot);
  await using editor = await EditorPage.open(backlot, { user: "admin", site, place: "files/" });
  const { driver } = editor.browser;
  const ask = (script: string, ...given: readonly string[]): Promise<number> => driver.executeAsyncScript<number>(script, ...given);
  const cold: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const path = fileOf(round, 50);
    await editor.go(`edit/${path}`);
    cold.push(await ask(sinceNavigation, textOf(path)));
  }
  // Below the one that is shown: lines out of sight are not drawn, so they cannot be clicked.
  const clicks: number[] = [];
  for (let file = 51; file < 51 + rounds; file += 1) clicks.push(await ask(untilDrawn, lineOf(fileOf(9, file)), textOf(fileOf(9, file))));
  await driver.executeScript("localStorage.clear()");
  await editor.go("files/");
  await editor.openInTree("private");
  await editor.inTree("private/lib0");
  const opened: number[] = [];
  for (let folder = 0; folder < seenFolders; folder += 1) {
    opened.push(await ask(untilDrawn, lineOf(`private/lib${folder}`), `[data-path^="private/lib${folder}/"]`));
    await ask(untilDrawn, lineOf(`private/lib${folder}`), lineOf(`private/lib${folder}`));
  }
  return [
    head,
    ["the address of a file → its text (whole page loaded)", ...medianAndTail(cold)],
    ["click on a file → its text", ...medianAndTail(clicks)],
    ["click on a folder of 100 → its files", ...medianAndTail(opened)],
    ["click on a folder of 1,000 → its files", ...(await crowdTimes(editor, ask))],
  ];
}

/** The crowded folder, opened and closed again several times; each time its listing is read anew. */
async function crowdTimes(editor: EditorPage, ask: (script: string, ...given: readonly string[]) => Promise<number>): Promise<readonly string[]> {
  const times: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    await editor.go("files/private");
    await editor.inTree("private/crowd");
    times.push(await ask(untilDrawn, lineOf("private/crowd"), '[data-path^="private/crowd/"]'));
    await ask(untilDrawn, lineOf("private/crowd"), lineOf("private/crowd"));
  }
  return medianAndTail(times);
}

async function fill(backlot: Backlot): Promise<void> {
  const admin = await backlot.admin();
  await admin.createSite(site, "static");
  const files: Record<string, string> = {};
  for (let folder = 0; folder < folders; folder += 1) for (let file = 0; file < filesEach; file += 1) files[fileOf(folder, file)] = line.repeat(40);
  for (let file = 0; file < crowd; file += 1) files[`private/crowd/file${file}.js`] = line;
  const { operation } = await admin.client.call(deploySite, { params: { name: site }, body: new Uint8Array(await packed(files)) });
  await admin.succeeded(operation);
}
