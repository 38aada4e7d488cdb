import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { Listener } from "#db/listener.ts";
import { silentLog } from "#kit/log.ts";
import { aSite, newOperation, planned, type StoreContext } from "./store-builders.ts";

/** What the database tells those who listen. */
export function describeNotifications(get: () => StoreContext): void {
  /** What was committed before this is heard before this. */
  const forgetSoFar = async (ears: Awaited<ReturnType<typeof listen>>): Promise<void> => {
    await sql`select pg_notify('routes', 'so far')`.execute(get().db);
    await expect.poll(() => ears.heard.some(([, payload]) => payload === "so far"), { timeout: 20_000 }).toBe(true);
    ears.heard.length = 0;
  };

  describe("notifications", () => {
    it("tell of operations, routes and epochs, once they are committed", async () => {
      await using ears = await listen(get().url);
      const { stores } = get();
      const { site } = await aSite(get());
      await forgetSoFar(ears);
      const { operation } = await stores.sites.update(site, planned({ availability: "disabled" }, newOperation()));
      const version = await stores.reconcilerSites.routeVersion(site.id);
      await ears.until(3);
      expect(ears.heard).toEqual([
        ["epochs", JSON.stringify({ sites: [[site.id, 1]], users: [] })],
        ["operations", operation?.id],
        ["routes", String(version)],
      ]);
      await stores.sites.update(site, planned({ name: site.name, description: "x" }));
      const other = await aSite(get());
      await forgetSoFar(ears);
      await expect(stores.sites.update(site, planned({ name: other.site.name }, newOperation()))).rejects.toThrow("already");
      await stores.operations.queue(site, newOperation());
      await ears.until(1);
      expect(ears.heard.map(([channel]) => channel)).toEqual(["operations"]);
    });

    it("are heard by all who listen in a process over one connection, until each of them stops", async () => {
      await using staying = await listen(get().url);
      const leaving = await listen(get().url);
      const { rows } = await sql`select pid from pg_stat_activity where application_name = 'backlot listener' and datname = current_database()`.execute(
        get().db,
      );
      expect(rows).toHaveLength(1);
      await aSite(get());
      await Promise.all([staying.until(1), leaving.until(1)]);
      await leaving[Symbol.asyncDispose]();
      const [stayingHeard, leavingHeard] = [staying.heard.length, leaving.heard.length];
      await aSite(get());
      await staying.until(stayingHeard + 1);
      expect(leaving.heard).toHaveLength(leavingHeard);
    });

    it("go on after the connection was lost, and whoever listens is told to look at everything", async () => {
      await using ears = await listen(get().url);
      expect(ears.connections()).toBe(1);
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'backlot listener' and datname = current_database()`.execute(
        get().db,
      );
      await ears.untilConnected(2);
      await aSite(get());
      await ears.until(1);
    });
  });
}

async function listen(url: string) {
  const heard: (readonly [string, string])[] = [];
  let connections = 0;
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of [...waiting]) look();
  };
  const until = (isEnough: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!isEnough()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const listener = new Listener({
    url,
    log: silentLog(),
    onNotification: (channel, payload) => {
      heard.push([channel, payload]);
      changed();
    },
    onConnected: () => {
      connections++;
      changed();
    },
  });
  listener.start();
  const untilConnected = (count: number): Promise<void> => until(() => connections >= count);
  await untilConnected(1);
  return {
    heard,
    connections: () => connections,
    until: (count: number) => until(() => heard.length >= count),
    untilConnected,
    [Symbol.asyncDispose]: () => listener.stop(),
  };
}
