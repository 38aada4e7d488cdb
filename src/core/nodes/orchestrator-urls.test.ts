import { expect, test } from "vitest";
import { orchestratorUrls } from "./orchestrator-urls.ts";

test("several addresses, each once and without a final slash; the setting for one is another name", () => {
  expect(orchestratorUrls({ BACKLOT_ORCHESTRATOR_URLS: " http://a:1/, http://b:2 ,,http://a:1" })).toEqual(["http://a:1", "http://b:2"]);
  expect(orchestratorUrls({ BACKLOT_ORCHESTRATOR_URL: "http://a:1" })).toEqual(["http://a:1"]);
  expect(orchestratorUrls({ BACKLOT_ORCHESTRATOR_URL: "http://a:1", BACKLOT_ORCHESTRATOR_URLS: "http://b:2" })).toEqual(["http://b:2"]);
});

test("none, or what is no address, is refused in words", () => {
  expect(() => orchestratorUrls({})).toThrow("say where the orchestrators are");
  expect(() => orchestratorUrls({ BACKLOT_ORCHESTRATOR_URLS: "http://a:1,file:///x,b" })).toThrow("file:///x is no address");
});
