import { setTimeout as delay } from "node:timers/promises";
import { createToken, signIn } from "#contract/api/accounts.ts";
import { readFile, writeFile } from "#contract/api/files.ts";
import { followOperation, readOperation } from "#contract/api/operations.ts";
import { createSite } from "#contract/api/sites.ts";
import { type OperationView, operationView, type SiteView } from "#contract/api/views.ts";
import { type Client, createClient } from "#contract/client.ts";
import { readEvents } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import type { SiteKind } from "#contract/site.ts";

/** Somebody with an API token, and what people do most. Tokens outlive a restart, so does a person. */
export interface Person {
  readonly username: string;
  readonly token: string;
  readonly client: Client;
  /** Creates a site and waits until its operation has succeeded. */
  createSite(name: string, kind: SiteKind, starter?: string): Promise<SiteView>;
  /** Waits until an operation has ended, through restarts of the server. */
  ended(operation: OperationView): Promise<OperationView>;
  /** The same, and throws unless it succeeded. */
  succeeded(operation: OperationView): Promise<OperationView>;
  put(site: string, path: string, bytes: string | Uint8Array): Promise<void>;
  get(site: string, path: string): Promise<Buffer>;
}

/** Signs in with a password and makes a person of the token. `address` is asked at each call: it may change with a restart. */
export async function signInAs(address: () => string, username: string, password: string): Promise<Person> {
  const origin = new URL(address()).origin;
  const guest = createClient({ baseUrl: address() });
  const response = await guest.fetch(signIn, { body: { username, password } });
  await response.body?.cancel();
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(";")[0] ?? "")
    .join("; ");
  const { secret } = await guest.call(createToken, { body: { name: "e2e" }, headers: { cookie, origin } });
  return personWith(address, username, secret);
}

function personWith(address: () => string, username: string, token: string): Person {
  // Looked up anew at each call: a restarted server has other ports.
  const current = (): Client => createClient({ baseUrl: address(), token: () => token });
  const client: Client = { call: (shape, input) => current().call(shape, input), fetch: (shape, input) => current().fetch(shape, input) };
  const ended = (operation: OperationView): Promise<OperationView> => awaitEnd(client, operation);
  const succeeded = async (operation: OperationView): Promise<OperationView> => {
    const last = await ended(operation);
    if (last.state !== "succeeded")
      throw new Error(`the operation ${last.kind} of ${last.site} failed: ${JSON.stringify(last.failure)} ${JSON.stringify(last.steps)}`);
    return last;
  };
  return {
    username,
    token,
    client,
    ended,
    succeeded,
    createSite: async (name, kind, starter) => {
      const { site, operation } = await client.call(createSite, { body: { name, kind, ...(starter === undefined ? {} : { starter }) } });
      await succeeded(operation);
      return site;
    },
    put: async (site, path, bytes) => {
      const response = await client.fetch(writeFile, { params: { name: site, "*": path }, body: typeof bytes === "string" ? bytes : new Uint8Array(bytes) });
      await response.body?.cancel();
    },
    get: async (site, path) => {
      const response = await client.fetch(readFile, { params: { name: site, "*": path } });
      return Buffer.from(await response.arrayBuffer());
    },
  };
}

async function awaitEnd(client: Client, operation: OperationView): Promise<OperationView> {
  let last = operation;
  const deadline = Date.now() + 90_000;
  while (last.state !== "succeeded" && last.state !== "failed") {
    if (Date.now() > deadline) throw new Error(`the operation ${last.kind} of ${last.site} did not end: ${JSON.stringify(last)}`);
    try {
      const params = { id: operation.id };
      last = (await client.call(readOperation, { params })).operation;
      if (last.state === "succeeded" || last.state === "failed") break;
      const response = await client.fetch(followOperation, { params, signal: AbortSignal.timeout(30_000) });
      if (response.body !== null) for await (const event of readEvents(response.body)) last = operationView.parse(JSON.parse(event.data));
    } catch (error) {
      // Away for a moment: it was killed, or its stream was cut. Every other refusal is the answer.
      const isAway =
        error instanceof TypeError || (error instanceof Error && error.name === "TimeoutError") || (error instanceof Failure && error.status === 503);
      if (!isAway) throw error;
      await delay(50);
    }
  }
  return last;
}
