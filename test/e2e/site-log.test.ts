// What a site's log tells: its program and what visitors were told instead of an answer, together; followed, searched and downloaded.
import { expect, it } from "vitest";
import { createSite, readLogs } from "#contract/api/sites.ts";
import { readEvents } from "#contract/events.ts";
import { startBacklot } from "../support/backlot.ts";

it("has the program's lines and the router's in one, and can be followed, searched and downloaded", async () => {
  await using backlot = await startBacklot({ environment: { BACKLOT_UNISOLATED_FOR_ALL: "true" } });
  const ada = await backlot.addPerson("ada");
  const { operation } = await ada.client.call(createSite, { body: { name: "broken", kind: "dynamic" } });
  await ada.ended(operation);
  await ada.put("broken", "run.sh", "#!/bin/sh\necho the needle stands here\necho a complaint >&2\nexit 3\n");
  const params = { name: "broken" };
  const leave = new AbortController();
  const followed = await ada.client.fetch(readLogs, { params, query: { tail: 0, follow: true, format: "json" }, signal: leave.signal });
  expect((await backlot.visit("broken")).status).toBeGreaterThanOrEqual(500);
  const logOf = async (query: object): Promise<string> => (await ada.client.fetch(readLogs, { params, query })).text();
  await expect.poll(() => logOf({}), { timeout: 30_000 }).toMatch(/\[router\] /);
  const all = await logOf({});
  for (const part of [/^the needle stands here$/m, /^a complaint$/m, /^\[backlot\] /m, /^\[router\] /m]) expect(all).toMatch(part);

  expect((await logOf({ query: "NEEDLE" })).trim().split("\n")).toEqual(expect.arrayContaining(["the needle stands here"]));
  expect(await logOf({ query: "NEEDLE" })).not.toContain("complaint");
  const download = await ada.client.fetch(readLogs, { params, query: { download: true } });
  expect(download.headers.get("content-disposition")).toBe('attachment; filename="broken.log"');
  expect(await download.text()).toMatch(/Z stderr {3}a complaint$/m);

  const lines: string[] = [];
  if (followed.body === null) throw new Error("nothing is followed");
  for await (const event of readEvents(followed.body)) {
    lines.push(event.data);
    if (["needle", '"router"'].every((part) => lines.some((line) => line.includes(part)))) break;
  }
  leave.abort();
}, 120_000);
