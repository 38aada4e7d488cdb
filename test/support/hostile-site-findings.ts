// What test/support/hostile-site.mjs says of what it tried, and what it may say from inside of a sandbox.
import { expect } from "vitest";
import { z } from "zod";
import type { HostileTargets } from "./platform-targets.ts";

const results = z.record(z.string(), z.string());
const hostileFindings = z.object({
  addresses: results,
  sockets: results,
  files: results,
  kills: z.array(z.string()),
  /** Names only; absent of a control. */
  variables: z.array(z.string()).optional(),
});
export type HostileFindings = z.output<typeof hostileFindings>;

const unreachable = /^(silence|ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EINVAL)$/;

/** Reads the line that it printed. */
export function readFindings(text: string): HostileFindings {
  return hostileFindings.parse(JSON.parse(text));
}

/** All was tried, and none of it was there. */
export function expectNothingReached(found: HostileFindings, tried: HostileTargets): void {
  expect(Object.keys(found.addresses).length).toBeGreaterThan(0);
  expect(new Set(Object.keys(found.addresses))).toEqual(new Set(tried.addresses.map(({ host, port }) => `${host}:${port}`)));
  for (const [address, result] of Object.entries(found.addresses)) expect([address, result]).toEqual([address, expect.stringMatching(unreachable)]);
  for (const [path, result] of Object.entries(found.sockets)) expect([path, result]).toEqual([path, expect.stringMatching(/^(ENOENT|ECONNREFUSED|EACCES)$/)]);
  for (const [path, result] of Object.entries(found.files)) expect([path, result]).toEqual([path, expect.stringMatching(/^(ENOENT|EACCES)$/)]);
  const names = tried.sockets.map((path) => path.replace("\0", "@"));
  expect([new Set(Object.keys(found.sockets)), new Set(Object.keys(found.files))]).toEqual([new Set(names), new Set(tried.files)]);
  expect(found.kills).toEqual(tried.pids.map(() => "ESRCH"));
  expect((found.variables ?? []).filter((name) => /^(BACKLOT|DATABASE|AMQP|REDIS|PG)/.test(name))).toEqual([]);
}
