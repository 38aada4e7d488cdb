import { expect, it } from "vitest";
import { nodesInTheWay } from "./earlier-tasks.ts";

const of = { installation: "i1", siteId: 7, placement: 3, nodeId: "own" };
const nodes = ["own", "up", "lost"].map((id) => ({ ID: id, Description: { Hostname: `host-${id}` }, Status: { State: id === "lost" ? "down" : "ready" } }));

function task(nodeId: string, state: string, given: { readonly site?: number; readonly placement?: number; readonly installation?: string } = {}) {
  const { site = 7, placement = 2, installation = "i1" } = given;
  const Labels = { "backlot.installation": installation, "backlot.site": String(site), "backlot.placement": String(placement) };
  return { NodeID: nodeId, Status: { State: state }, Spec: { ContainerSpec: { Labels } } };
}

it("finds the node where a program of before may still run, and names it as people do", () => {
  for (const state of ["assigned", "preparing", "starting", "running"]) expect(nodesInTheWay(of, [task("up", state)], nodes)).toEqual(["host-up"]);
  expect(nodesInTheWay(of, [task("up", "running"), task("up", "running", { placement: 0 })], nodes)).toEqual(["host-up"]);
});

it("waits for none that has ended, whose node is down or gone, or that no node ever had", () => {
  const over = ["complete", "shutdown", "failed", "rejected", "orphaned", "remove"].map((state) => task("up", state));
  expect(nodesInTheWay(of, [...over, task("lost", "running"), task("gone", "running"), task("", "pending")], nodes)).toEqual([]);
});

it("waits for nobody else's: of this node, of this placement or a later one, of another site or another Backlot", () => {
  const others = [task("own", "running"), task("up", "running", { placement: 3 }), task("up", "running", { placement: 4 })];
  expect(nodesInTheWay(of, [...others, task("up", "running", { site: 8 }), task("up", "running", { installation: "i2" })], nodes)).toEqual([]);
});
