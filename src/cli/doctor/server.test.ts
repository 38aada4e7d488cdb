import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { fakeTerminal } from "../../../test/support/cli-fake-terminal.ts";
import { openSession } from "../session.ts";
import type { Check } from "./check.ts";
import { checkServer } from "./server.ts";

async function checked(listener: RequestListener): Promise<readonly Check[]> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return await checkServer(await openSession({}, { HOME: "/nowhere", BACKLOT_SERVER: url, BACKLOT_TOKEN: "token" }, fakeTerminal()));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("another program at the server's address is named as that, and ends no look at the machine", async () => {
  const checks = await checked((_request, response) => void response.end("<h1>It works!</h1>"));
  expect(checks).toMatchObject([
    { name: "server", state: "ok" },
    { name: "sign-in", state: "limited", detail: expect.stringContaining("does not answer as Backlot does") },
  ]);
});

test("an answer that is cut is no answer", async () => {
  const checks = await checked((_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  expect(checks).toMatchObject([{ name: "server", state: "info", detail: expect.stringContaining("nothing answers at http://127.0.0.1:") }]);
});
