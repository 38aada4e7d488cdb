import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { type EndpointShape, hasRawResult } from "#contract/endpoint.ts";
import type { Component } from "#contract/grant.ts";
import type { ClusterKey } from "#kit/cluster-key.ts";
import { createVerifier } from "#kit/grant.ts";
import { componentGuard } from "#kit/http/component-guard.ts";
import { type Call, mount } from "#kit/http/mount.ts";
import { createServer } from "#kit/http/server.ts";
import { mountSocket, type TakeSocket } from "#kit/http/socket.ts";
import { silentLog } from "#kit/log.ts";

/** A cluster key for one test. */
export async function createClusterKey(): Promise<ClusterKey> {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  return {
    signingKey: await exportJWK(pair.privateKey),
    publicKey: await exportJWK(pair.publicKey),
    secret: Buffer.alloc(32, 7).toString("base64url"),
  } as ClusterKey;
}

/** One call that the fake received. */
export interface ReceivedCall {
  readonly id: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

type FakeHandler = (call: Call<EndpointShape, unknown>) => Promise<unknown>;

/** A process of ours played by the test: real HTTP, real grants, answers from a table. */
export interface FakeComponent extends AsyncDisposable {
  readonly url: string;
  readonly calls: ReceivedCall[];
  /** Called with each call before it is answered. */
  onCall: (call: ReceivedCall) => Promise<void>;
  close(): Promise<void>;
}

/** Serves a table of endpoints with the given handlers; an endpoint without one answers nothing. */
export async function startFakeComponent(options: {
  readonly audience: Component;
  readonly key: ClusterKey;
  readonly endpoints: readonly EndpointShape[];
  readonly handlers: Readonly<Record<string, FakeHandler>>;
  readonly port?: number;
}): Promise<FakeComponent> {
  const app = createServer({ log: silentLog() });
  const guard = componentGuard({ audience: options.audience, verify: await createVerifier(options.key.publicKey) });
  const calls: ReceivedCall[] = [];
  const fake: FakeComponent = {
    url: "",
    calls,
    onCall: async () => undefined,
    close: () => app.close(),
    [Symbol.asyncDispose]: () => app.close(),
  };
  for (const shape of options.endpoints) {
    const handler = options.handlers[shape.id];
    if (hasRawResult(shape) && shape.result.raw === "socket") {
      // The test's handler of such an endpoint gives what takes the socket.
      mountSocket<EndpointShape, unknown>({ app, guard }, shape, (async (call: never) => handler?.(call)) as (call: unknown) => Promise<TakeSocket>);
      continue;
    }
    mount<EndpointShape, unknown>({ app, guard }, shape, (async (call: Call<EndpointShape, unknown>) => {
      const received = { id: shape.id, params: call.params as Record<string, unknown>, body: call.body };
      calls.push(received);
      await fake.onCall(received);
      return handler?.(call);
    }) as never);
  }
  await app.listen({ host: "127.0.0.1", port: options.port ?? 0 });
  return Object.assign(fake, { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` });
}
