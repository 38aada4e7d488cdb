import { expect, it, vi } from "vitest";
import { silentLog } from "#kit/log.ts";
import type { CgroupParents, Cgroups } from "./cgroups.ts";
import { Keeping } from "./keeping.ts";
import type { MountView } from "./mount-view.ts";
import { Nurseries } from "./nurseries.ts";
import type { NurseryPlace } from "./nursery.ts";
import { RunRoot } from "./run-root.ts";

const log = silentLog();
const counting: CgroupParents = { version: 1, folders: { memory: "/absent", pids: "/absent" }, accounting: null, freezer: null };
const view: MountView = {
  namespace: null,
  etcFolder: "/absent",
  nodeBinary: "/absent",
  gate: "/absent",
  nurseryGate: "/absent",
  relay: "/absent",
  databaseFolder: null,
  siteFolder: (folder) => folder,
  home: null,
  close: () => undefined,
};
const facts = { systemFolders: [], etcFolder: "/absent", etcFiles: [], nodeBinary: "/absent", gate: "/absent", canDisableUserNamespaces: true };
const root = new RunRoot({ view, folders: ["/absent", "/absent"], facts, programs: { nsenter: "nsenter", shell: "/bin/sh" }, log });
const whole: NurseryPlace = {
  programs: { bwrap: "bwrap", nsenter: "nsenter", setpriv: "setpriv", mkfifo: "mkfifo", shell: "/bin/sh" },
  network: { unshare: "unshare", ip: "ip" },
  leaked: [],
  mountNamespace: null,
  seccompFile: "/absent",
  folder: "/absent",
};

it("keep sandboxes only where a run's processes and memory are counted anew, and a filter keeps it from what shows nowhere", () => {
  expect(nurseriesWith({}).keeping.isOn).toBe(true);
  expect(nurseriesWith({}, { ...counting, version: 2 }).keeping.isOn).toBe(false);
  expect(nurseriesWith({}, { ...counting, folders: { memory: "/absent" } }).keeping.isOn).toBe(false);
  expect(nurseriesWith({ seccompFile: null }).keeping.isOn).toBe(false);
  expect(nurseriesWith({ network: null }).keeping.isOn).toBe(false);
});

it("keep none for a while after three that could not be made", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const keeping = new Keeping(true, log);
    const kept: boolean[] = [];
    for (let round = 0; round < 3; round += 1) {
      keeping.failed(new Error("no"));
      kept.push(keeping.isOn);
    }
    vi.advanceTimersByTime(600_000);
    expect([...kept, keeping.isOn]).toEqual([true, true, false, true]);
    // It has not worked since.
    keeping.failed(new Error("no"));
    expect(keeping.isOn).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});

function nurseriesWith(place: Partial<NurseryPlace>, parents: CgroupParents = counting): Nurseries {
  const none = () => {
    throw new Error("nothing is started here");
  };
  const cgroups: Cgroups = {
    limits: { memory: true, cpu: true, pids: true },
    freezes: false,
    parents,
    make: none,
    prepare: none,
    close: async () => undefined,
  };
  return new Nurseries({ place: { ...whole, ...place }, root, cgroups, idle: 1, idleSandboxMs: 1000, log });
}
