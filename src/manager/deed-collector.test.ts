import { expect, it } from "vitest";
import type { FileDeed } from "#contract/internal/files.ts";
import type { AuditInbox, ReportedEntry } from "#core/audit/audit-inbox.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import { silentLog } from "#kit/log.ts";
import { DeedCollector } from "./deed-collector.ts";

const deed: FileDeed = {
  siteId: 7,
  siteName: "seven",
  userId: 3,
  userName: "ann",
  door: "sftp",
  address: "192.0.2.1",
  action: "files.delete",
  count: 1,
  paths: ["a.txt"],
  at: "2026-01-01T00:00:00.000Z",
};

/** An orchestrator with a journal of deeds under their numbers. */
function orchestratorWith(state: { journal: string; deeds: FileDeed[] }): ComponentClient {
  const call = async (_shape: unknown, { body }: { body: { after: number } }) => ({
    journal: state.journal,
    deeds: state.deeds.slice(body.after),
    through: Math.max(body.after, state.deeds.length),
  });
  // Only this one call is made.
  return { call, fetch: call, on: () => ({ call, fetch: call }) } as unknown as ComponentClient;
}

class MemoryInbox implements AuditInbox {
  readonly entries: ReportedEntry[] = [];
  readonly #through = new Map<string, number>();
  isAway = false;

  async through(journal: string): Promise<number> {
    return this.#through.get(journal) ?? 0;
  }

  async take(piece: Parameters<AuditInbox["take"]>[0]): Promise<boolean> {
    if (this.isAway) throw new Error("the database is away");
    if ((this.#through.get(piece.journal) ?? 0) !== piece.after) return false;
    this.#through.set(piece.journal, piece.through);
    this.entries.push(...piece.entries);
    return true;
  }
}

it("takes every deed once, through failures of the database, other managers, restarts and a lost journal", async () => {
  const state = { journal: "one", deeds: [deed] };
  const inbox = new MemoryInbox();
  const collector = () => new DeedCollector({ orchestrator: orchestratorWith(state), inbox, log: silentLog() });
  const [first, second] = [collector(), collector()];
  inbox.isAway = true;
  await expect(first.collect()).rejects.toThrow("away");
  inbox.isAway = false;
  await first.collect();
  await second.collect();
  state.deeds.push({ ...deed, paths: ["b.txt"] });
  await Promise.all([first.collect(), second.collect()]);
  await first.collect();
  await collector().collect();
  expect(inbox.entries.map(({ details }) => details.path)).toEqual(["a.txt", "b.txt"]);
  state.journal = "two";
  state.deeds = [{ ...deed, paths: ["c.txt"] }];
  await first.collect();
  expect(inbox.entries.map(({ details }) => details.path)).toEqual(["a.txt", "b.txt", "c.txt"]);
});

it("tells many as one with a count, the home folder as no site, and a component that was nobody's as the system", async () => {
  const inbox = new MemoryInbox();
  const state = {
    journal: "one",
    deeds: [
      { ...deed, count: 2, paths: ["a.txt", "b.txt"] },
      { ...deed, siteId: 0, siteName: "home", userId: null, userName: null, door: "worker", address: null },
    ],
  };
  await new DeedCollector({ orchestrator: orchestratorWith(state), inbox, log: silentLog() }).collect();
  const at = new Date("2026-01-01T00:00:00.000Z");
  expect(inbox.entries).toEqual([
    {
      ...{ at, actorId: 3, actorName: "ann", door: "sftp", address: "192.0.2.1", action: "files.delete", siteId: 7, siteName: "seven" },
      details: { path: "a.txt", count: 2, paths: ["a.txt", "b.txt"] },
    },
    {
      ...{ at, actorId: null, actorName: null, door: "system", address: null, action: "files.delete", siteId: null, siteName: null },
      details: { path: "a.txt", place: "home", component: "worker" },
    },
  ]);
});
