import { expect, test } from "vitest";
import { chooseTasks, type WaitingTask } from "./choose-tasks.ts";

const waiting = (id: number, changes: Partial<WaitingTask> = {}): WaitingTask => ({
  id,
  siteId: null,
  script: "a.sh",
  scriptConcurrency: null,
  personId: null,
  ...changes,
});
const many = { limit: 9, perPerson: 9, ofMembers: 9 };

test("takes tasks in their order, as many as there is room for", () => {
  expect(chooseTasks([waiting(3), waiting(1), waiting(2)], [], { ...many, limit: 2, perSite: 1 })).toEqual([3, 1]);
});

test("counts what runs and what was just taken against a script's limit, in each site for itself", () => {
  const tasks = [1, 2, 3].map((id) => waiting(id, { scriptConcurrency: 2 }));
  expect(chooseTasks(tasks, [], { ...many, perSite: 1 })).toEqual([1, 2]);
  expect(chooseTasks(tasks, [{ siteId: null, script: "a.sh", personId: null }], { ...many, perSite: 1 })).toEqual([1]);
  expect(chooseTasks(tasks, [{ siteId: 4, script: "a.sh", personId: null }], { ...many, perSite: 1 })).toEqual([1, 2]);
});

test("takes no more of a site than its share, and of the home folder as many as there are", () => {
  const tasks = [
    waiting(1, { siteId: 4 }),
    waiting(2, { siteId: 4, script: null }),
    waiting(3, { siteId: 4 }),
    waiting(4, { siteId: 5 }),
    waiting(5),
    waiting(6),
  ];
  expect(chooseTasks(tasks, [{ siteId: 5, script: null, personId: null }], { ...many, perSite: 2 })).toEqual([1, 2, 4, 5, 6]);
  expect(chooseTasks(tasks, [{ siteId: 5, script: null, personId: null }], { ...many, perSite: 1 })).toEqual([1, 5, 6]);
});

test("gives each its own limit where they differ", () => {
  const tasks = [waiting(1, { scriptConcurrency: 1 }), waiting(2, { scriptConcurrency: 3 }), waiting(3)];
  expect(chooseTasks(tasks, [{ siteId: null, script: "a.sh", personId: null }], { ...many, perSite: 1 })).toEqual([2, 3]);
});

test("takes no more of a person than their share, however many sites they have, and of nobody's as many as there are", () => {
  const tasks = [1, 2, 3].map((id) => waiting(id, { siteId: id, personId: 7 }));
  const others = [waiting(4, { siteId: 4, personId: 8 }), waiting(5), waiting(6)];
  expect(chooseTasks([...tasks, ...others], [], { ...many, perSite: 2, perPerson: 2 })).toEqual([1, 2, 4, 5, 6]);
  const running = [{ siteId: 9, script: null, personId: 7 }];
  expect(chooseTasks([...tasks, ...others], running, { ...many, perSite: 2, perPerson: 2 })).toEqual([1, 4, 5, 6]);
});

test("leaves a place that members may not take to the tasks of administrators and of the home folder", () => {
  const tasks = [1, 2, 3].map((id) => waiting(id, { siteId: id, personId: id }));
  expect(chooseTasks([...tasks, waiting(4)], [], { ...many, perSite: 2, ofMembers: 2 })).toEqual([1, 2, 4]);
  expect(chooseTasks(tasks, [], { ...many, perSite: 2, ofMembers: 0 })).toEqual([]);
});
