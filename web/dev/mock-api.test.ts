import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { readFile, writeFile } from "#contract/api/files.ts";
import { followOperation } from "#contract/api/operations.ts";
import { publicEndpoints } from "#contract/api/public.ts";
import { listSchedules } from "#contract/api/schedules.ts";
import { createSite, listSites, readSite, restartSite } from "#contract/api/sites.ts";
import { listTasks } from "#contract/api/tasks.ts";
import { type CallInput, type Client, createClient, type InputOf } from "#contract/client.ts";
import { type EndpointShape, hasRawResult } from "#contract/endpoint.ts";
import { readEvents } from "#contract/events.ts";
import { createMockHandler, mockHandlerIds } from "./mock-api.ts";
import { createMockWorld } from "./mock-world.ts";

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

async function mock(options: Parameters<typeof createMockWorld>[0] = {}): Promise<Client> {
  const handle = createMockHandler(createMockWorld({ signedIn: true, stepMs: 1, ...options }));
  const server = createServer((request, response) => handle(request, response, () => response.writeHead(404).end()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  // Listening on TCP, so the address is one of TCP.
  return createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** Endpoints that the dashboard does not call. */
const unused = ["deployments.create"];

test("every endpoint that the dashboard calls is pretended", () => {
  const missing = publicEndpoints.map(({ id }) => id).filter((id) => !mockHandlerIds.includes(id));
  expect(missing).toEqual(unused);
});

test("every reading endpoint answers in the contract's own shape", async () => {
  const client = await mock();
  const reading: readonly EndpointShape[] = publicEndpoints.filter(
    (shape) => shape.method === "GET" && !hasRawResult(shape) && shape.access.kind !== "operation",
  );
  const [task] = (await client.call(listTasks, {})).tasks;
  const [schedule] = (await client.call(listSchedules, {})).schedules;
  const queries: Readonly<Record<string, CallInput["query"]>> = { "schedules.preview": { cron: "0 4 * * *" } };
  for (const shape of reading) {
    // Parameters are typed by the one endpoint that is called; here it is each of them in turn.
    const input: CallInput = { params: { name: "robotics", uid: task?.uid ?? "", id: schedule?.id ?? "" }, query: queries[shape.id] ?? {} };
    const answer: unknown = await client.call(shape, input as InputOf<typeof shape>);
    expect(answer, shape.id).toBeDefined();
  }
});

test("an operation goes on step by step to its end, and a failing one says what to do", async () => {
  const client = await mock();
  const { operation } = await client.call(restartSite, { params: { name: "broken-app" } });
  const response = await client.fetch(followOperation, { params: { id: operation.id } });
  const states: string[] = [];
  if (response.body !== null) for await (const { data } of readEvents(response.body)) states.push(JSON.parse(data).state);
  expect(states.at(-1)).toBe("failed");
  const { site } = await client.call(readSite, { params: { name: "broken-app" } });
  expect(site.status.reason).toContain("Nothing listens on $PORT");
});

test("a list is given page by page", async () => {
  const client = await mock();
  const first = await client.call(listSites, { query: { limit: 20, all: true } });
  const second = await client.call(listSites, { query: { limit: 20, all: true, cursor: first.next ?? "" } });
  expect([first.sites.length, second.sites.length, second.next]).toEqual([20, 5, null]);
});

test("a file changed meanwhile is not overwritten", async () => {
  const client = await mock();
  const params = { name: "robotics", "*": "public/index.html" };
  const etag = (await client.fetch(readFile, { params })).headers.get("etag") ?? "";
  await client.fetch(writeFile, { params, body: "theirs" });
  await expect(client.fetch(writeFile, { params, body: "mine", headers: { "if-match": etag } })).rejects.toMatchObject({ code: "file_changed" });
});

test("a name that is taken, reserved or malformed is refused", async () => {
  const client = await mock();
  const create = (name: string) => client.call(createSite, { body: { name, kind: "static" } });
  await expect(create("chess")).rejects.toMatchObject({ code: "site_name_taken" });
  await expect(create("www")).rejects.toMatchObject({ code: "site_name_reserved" });
  await expect(create("No")).rejects.toMatchObject({ code: "site_name_invalid" });
});
