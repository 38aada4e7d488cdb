import { expect, test } from "vitest";
import type { SiteView } from "#contract/api/views.ts";
import { defaultSiteLimits, siteLimits } from "#contract/site.ts";
import { createMockWorld } from "../dev/mock-world.ts";
import { fieldRules, following } from "./draft.ts";
import { changeOf, draftOf, limitFields, limitsChangeOf, limitsDraftOf, limitTexts, parseLimits, type SettingsDraft } from "./settings-draft.ts";

function robotics(): SiteView {
  const site = createMockWorld().sites.get("robotics");
  if (site === undefined) throw new Error("the mock has lost its robotics site");
  return site.view;
}

test("an untouched form sends nothing, a touched one only what differs", () => {
  const site = robotics();
  expect(changeOf(draftOf(site), draftOf(site))).toBeNull();
  expect(changeOf(draftOf(site), { ...draftOf(site), idleSeconds: null, description: "x" })).toEqual({ description: "x", settings: { idleSeconds: null } });
  expect(changeOf(draftOf(site), { ...draftOf(site), kind: "static" })).toEqual({ kind: "static" });
});

test("what others change while somebody types is not sent back to what it was", () => {
  const site = robotics();
  const held = { base: draftOf(site), draft: { ...draftOf(site), description: "typed" } };
  const theirs = { ...site, settings: { ...site.settings, timeZone: "Asia/Tokyo", botsWake: !site.settings.botsWake } };
  const now = following(fieldRules<SettingsDraft>(), held, draftOf(theirs));
  expect(now.draft.timeZone).toBe("Asia/Tokyo");
  expect(changeOf(now.base, now.draft)).toEqual({ description: "typed" });
});

test("only what differs of the limits is sent, and a field that cannot be read is named", () => {
  const base = limitsDraftOf(robotics());
  expect(limitsChangeOf(base, base)).toBeNull();
  expect(limitsChangeOf(base, { ...base, availability: "not-served", pids: "99" })).toEqual({ availability: "not-served", limits: { pids: 99 } });
  expect(limitsChangeOf(base, { ...base, egress: "internet", files: "many" })).toEqual({ key: "files", problem: "Give a number." });
});

test("every limit has a field", () => {
  expect(limitFields.map(({ key }) => key).sort()).toEqual(Object.keys(siteLimits.shape).sort());
});

test("limits are shown in plain units and come back exactly", () => {
  expect(limitTexts(defaultSiteLimits)).toMatchObject({ cpu: "60", memoryBytes: "100", requestBodyBytes: "2048", fileBytes: "100", files: "100000" });
  expect(parseLimits(limitTexts(defaultSiteLimits), limitTexts(defaultSiteLimits))).toEqual({ limits: {} });
});

test("only changed limits are sent, in the API's units", () => {
  const texts = { ...limitTexts(defaultSiteLimits), cpu: "150", memoryBytes: "256,5" };
  expect(parseLimits(texts, limitTexts(defaultSiteLimits))).toEqual({ limits: { cpu: 1.5, memoryBytes: 256_500_000 } });
});

test("a limit out of bounds is refused with its bounds", () => {
  const texts = limitTexts(defaultSiteLimits);
  expect(parseLimits({ ...texts, memoryBytes: "1" }, texts)).toEqual({ key: "memoryBytes", problem: "Between 16 and 64,000 MB." });
  expect(parseLimits({ ...texts, cpu: "lots" }, texts)).toEqual({ key: "cpu", problem: "Give a number." });
});
