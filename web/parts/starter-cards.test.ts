import { expect, test } from "vitest";
import type { System } from "../app/data-system.ts";
import { facadeOf } from "./facade-shape.ts";
import { cardsOf } from "./starter-cards.tsx";

const starter = (name: string, kind: "static" | "dynamic", missing: string[] = []) => ({ name, title: name, description: "", kind, missing });
const system: System = {
  version: "0",
  siteUrlPattern: "http://{name}.localhost/",
  starters: [starter("python", "dynamic", ["python3"]), starter("node", "dynamic"), starter("static", "static")],
  isolation: { isolates: true, missing: [] },
  egress: { isAvailable: true, notes: [] },
  maySitesRun: true,
  allowsCommands: false,
  isOrchestratorThere: true,
};
const obstacles = (given: System) => cardsOf(given).map(({ starter: name, kind, obstacle }) => [name ?? `empty ${kind}`, obstacle]);

test("pages come before programs, and a starter without its interpreter says what is missing", () => {
  expect(obstacles(system)).toEqual([
    ["static", null],
    ["python", "Needs python3, which is not installed on this machine."],
    ["node", null],
    ["empty static", null],
    ["empty dynamic", null],
  ]);
});

test("where programs may not run, only static sites are offered", () => {
  const closed = obstacles({ ...system, maySitesRun: false, isolation: { isolates: false, missing: ["bubblewrap"] } });
  expect(closed.filter(([, obstacle]) => obstacle === null).map(([name]) => name)).toEqual(["static", "empty static"]);
  expect(closed.find(([name]) => name === "node")?.[1]).toContain("bubblewrap");
});

test("a site keeps its little house whatever happens, lit only while it is up", () => {
  const { isLit: _lit, ...asleep } = facadeOf("chess", "asleep");
  const { isLit: _dark, ...running } = facadeOf("chess", "running");
  expect(running).toEqual(asleep);
  expect([facadeOf("chess", "running").isLit, facadeOf("chess", "asleep").isLit]).toEqual([true, false]);
  expect(new Set(["anna", "ben", "chess", "drama", "library", "weather"].map((name) => JSON.stringify(facadeOf(name, "running")))).size).toBeGreaterThan(3);
});
