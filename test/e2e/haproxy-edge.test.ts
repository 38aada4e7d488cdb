import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { changePath } from "#contract/api/files.ts";
import { restartSite, sleepSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../support/backlot.ts";
import type { Person } from "../support/backlot-person.ts";
import { killIfThere } from "../support/backlot-processes.ts";
import { edgeMissing } from "../support/edge-router.ts";

const missing = edgeMissing();

describe.skipIf(missing !== null)(
  `Everything on one machine, with HAProxy and nginx as its edge${missing === null ? "" : ` (${missing})`}`,
  { timeout: 180_000 },
  () => {
    let backlot: Backlot;
    let ann: Person;

    beforeAll(async () => {
      backlot = await startBacklot({ environment: { BACKLOT_EDGE: "haproxy" } });
      ann = await backlot.addPerson("ann");
    }, 180_000);
    afterAll(async () => {
      await backlot?.[Symbol.asyncDispose]();
    });

    /** Which word the program knows, and whether HAProxy brought the request straight to it. */
    const ask = async (): Promise<{ readonly word: string; readonly isDirect: boolean }> => JSON.parse((await backlot.visit("greeter")).text);

    test("sites are made, visited past the router, put to sleep, woken and restarted without losing a request", async () => {
      await ann.createSite("papers", "static");
      await ann.put("papers", "public/index.html", "<h1>hello</h1>");
      expect((await backlot.visit("papers")).text).toBe("<h1>hello</h1>");
      await ann.createSite("greeter", "dynamic");
      await ann.put("greeter", "server.js", program("first"));
      await ann.put("greeter", "run.sh", "#!/bin/sh\nexec node /site/server.js\n");
      await ann.client.call(changePath, { params: { name: "greeter", "*": "run.sh" }, body: { executable: true } });
      expect((await ask()).word).toBe("first");
      await expect.poll(ask, { timeout: 60_000 }).toEqual({ word: "first", isDirect: true });
      const { operation: sleep } = await ann.client.call(sleepSite, { params: { name: "greeter" } });
      await ann.succeeded(sleep);
      expect(await ask()).toEqual({ word: "first", isDirect: false });
      await expect.poll(ask, { timeout: 60_000 }).toEqual({ word: "first", isDirect: true });
      await ann.put("greeter", "server.js", program("second"));
      let isOver = false;
      const words = new Set<string>();
      const visitors = Array.from({ length: 4 }, async () => {
        while (!isOver) words.add((await ask()).word);
      });
      const { operation: restart } = await ann.client.call(restartSite, { params: { name: "greeter" } });
      await ann.succeeded(restart);
      await expect.poll(ask, { timeout: 60_000 }).toEqual({ word: "second", isDirect: true });
      isOver = true;
      await Promise.all(visitors);
      expect(words).toEqual(new Set(["first", "second"]));
    });

    test("when the orchestrator was killed sites come back at addresses that none had before: nobody meets another site's program", async () => {
      const names = ["first", "second", "third"];
      const tells = `require("http").createServer((req, res) => {
  const own = Object.values(require("os").networkInterfaces()).flat().map(({ address }) => address);
  res.end(JSON.stringify({ name: NAME, address: own.find((address) => address.startsWith("10.77.")) }));
}).listen(process.env.PORT, process.env.HOST);`;
      const told = async (name: string) => JSON.parse((await backlot.visit(name)).text) as { readonly name?: string; readonly address?: string };
      for (const name of names) {
        await ann.createSite(name, "dynamic");
        await ann.put(name, "server.js", tells.replace("NAME", JSON.stringify(name)));
        await ann.put(name, "run.sh", "#!/bin/sh\nexec node /site/server.js\n");
        await ann.client.call(changePath, { params: { name, "*": "run.sh" }, body: { executable: true } });
      }
      const before = await Promise.all(names.map(told));
      expect(before.map(({ name }) => name)).toEqual(names);
      const [orchestrator] = backlot.processes().filter(({ command }) => / run orchestrator/.test(command));
      killIfThere(orchestrator?.pid ?? 0);
      // The last one comes first: in the order of before each would get its own address again.
      for (const name of names.toReversed()) {
        const answers = new Set<string | undefined>();
        const isNew = async (): Promise<boolean> => {
          const { name: who, address } = await told(name);
          if (who !== undefined) answers.add(who);
          return address !== undefined && !before.some((other) => other.address === address);
        };
        await expect.poll(isNew, { timeout: 60_000 }).toBe(true);
        expect([...answers]).toEqual([name]);
      }
    });

    test("killed as a whole it starts again, although HAProxy was left over at its port", async () => {
      await backlot.kill();
      await backlot.start();
      expect((await backlot.visit("papers")).text).toBe("<h1>hello</h1>");
      expect((await ask()).word).toBe("second");
    });
  },
);

function program(word: string): string {
  return `require("http").createServer((req, res) => {
    res.end(JSON.stringify({ word: ${JSON.stringify(word)}, isDirect: req.headers["x-backlot-address"] !== undefined }));
  }).listen(process.env.PORT, process.env.HOST);\n`;
}
