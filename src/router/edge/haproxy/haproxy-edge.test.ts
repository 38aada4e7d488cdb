import { expect, test } from "vitest";
import { silentLog } from "#kit/log.ts";
import { RouteTable } from "../../routes/route-table.ts";
import { HaproxyEdge } from "./haproxy-edge.ts";
import { MapFeed } from "./map-feed.ts";

const table = "# table: targets_table, type: string, size:1048576, used:0\n";

test("a count that fails does not keep later ones from being made", async () => {
  const answers: PromiseWithResolvers<string>[] = [];
  const send = (command: string): Promise<string> => {
    if (!command.startsWith("show table")) return Promise.resolve(table);
    const answer = Promise.withResolvers<string>();
    answers.push(answer);
    return answer.promise;
  };
  const feed = new MapFeed({ send: async () => "", file: "/dev/null", log: silentLog() });
  const edge = new HaproxyEdge({ table: new RouteTable(), networks: { networks: [], ownAddresses: [] }, feed, send });
  edge.came();
  const first = edge.count();
  const next = edge.count();
  answers[0]?.reject(new Error("HAProxy is away"));
  await expect(first).rejects.toThrow("HAProxy is away");
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.resolve(table);
  await next;
  const last = edge.count();
  await expect.poll(() => answers.length).toBe(3);
  answers[2]?.resolve(table);
  await last;
});
