import { expect, test, vi } from "vitest";
import { aRoute } from "../../../test/support/router-harness.ts";
import { RouteTable } from "./route-table.ts";

const foo = aRoute({ siteId: 1, name: "foo" });
const bar = aRoute({ siteId: 2, name: "bar", hosts: ["bar.localhost", "www.bar.example"] });

test("a site is found by each of its hosts, its name and its number", () => {
  const table = new RouteTable();
  table.replace([foo, bar], 3);
  expect(table.byHost("www.bar.example")).toBe(bar);
  expect(table.byName("foo")).toBe(foo);
  expect(table.byId(2)).toBe(bar);
  expect(table.byHost("www.foo.example")).toBeUndefined();
  expect([table.version, table.size]).toEqual([3, 2]);
});

test("a renamed site is not found under its old name", () => {
  const table = new RouteTable();
  table.replace([foo], 1);
  table.change([aRoute({ siteId: 1, name: "baz" })], [], 2);
  expect(table.byHost("foo.localhost")).toBeUndefined();
  expect(table.byName("foo")).toBeUndefined();
  expect(table.byHost("baz.localhost")?.siteId).toBe(1);
});

test("two sites can swap their names in one change", () => {
  const table = new RouteTable();
  table.replace([foo, aRoute({ siteId: 2, name: "bar" })], 1);
  table.change([aRoute({ siteId: 1, name: "bar" }), aRoute({ siteId: 2, name: "foo" })], [], 2);
  expect(table.byHost("bar.localhost")?.siteId).toBe(1);
  expect(table.byHost("foo.localhost")?.siteId).toBe(2);
});

test("removing a site leaves a host alone that another site took before", () => {
  const table = new RouteTable();
  table.replace([foo], 1);
  table.change([aRoute({ siteId: 9, name: "new", hosts: ["foo.localhost"] })], [], 2);
  table.change([], [1], 3);
  expect(table.byHost("foo.localhost")?.siteId).toBe(9);
});

test("a whole table removes what it does not name, and tells of it", () => {
  const table = new RouteTable();
  table.replace([foo, bar], 1);
  const heard = vi.fn();
  table.onChange(heard);
  table.replace([bar], 2);
  expect(heard.mock.calls).toEqual([
    [1, undefined],
    [2, bar],
  ]);
});

test("that a site was deleted is told apart from a table that does not name it", () => {
  const table = new RouteTable();
  const deleted = vi.fn();
  table.onDeleted(deleted);
  table.replace([foo, bar], 1);
  table.replace([bar], 2);
  expect(deleted).not.toHaveBeenCalled();
  table.change([{ ...bar, availability: "disabled" }], [], 3);
  expect(deleted).not.toHaveBeenCalled();
  table.change([], [bar.siteId], 4);
  expect(deleted.mock.calls).toEqual([[bar.siteId]]);
});

test("waiting for a version ends when it comes, or in time with the version there is", async () => {
  const table = new RouteTable();
  const coming = table.whenVersion(2, 10_000);
  table.change([foo], [], 1);
  table.change([bar], [], 2);
  expect(await coming).toBe(2);
  expect(await table.whenVersion(9, 5)).toBe(2);
  expect(await table.whenVersion(1, 10_000)).toBe(2);
});
