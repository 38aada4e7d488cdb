import { expect, test } from "vitest";
import { checkEdge } from "./edge.ts";

test("without a setting the router itself is the edge", async () => {
  expect(await checkEdge({})).toEqual({ name: "edge", state: "info", detail: "embedded: visitors' connections come to the router itself" });
});

test("HAProxy and nginx that are to be used have to be there", async () => {
  const environment = { BACKLOT_EDGE: "haproxy", BACKLOT_HAPROXY: "/nowhere/haproxy", BACKLOT_NGINX: "true" };
  expect(await checkEdge(environment)).toMatchObject({ state: "missing", detail: "BACKLOT_EDGE is haproxy, and HAProxy cannot be run" });
  expect(await checkEdge({ ...environment, BACKLOT_HAPROXY: "true" })).toMatchObject({ state: "ok" });
});
