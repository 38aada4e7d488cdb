import { type Client, createClient, type InputOf } from "#contract/client.ts";
import type { EndpointShape, ResultOf } from "#contract/endpoint.ts";
import type { Component } from "#contract/grant.ts";
import type { GrantSigner } from "./grant.ts";

/** On whose behalf a call is made: the epochs let the other side close what it opened. */
export interface Behalf {
  readonly user?: number;
  readonly userEpoch?: number;
  readonly siteEpoch?: number;
}

/** A client that signs a grant for exactly the endpoint and the site of each call. */
export interface ComponentClient extends Client {
  /** The same client, on behalf of a person. */
  on(behalf: Behalf): Client;
}

/** Makes a client of another process' internal endpoints. */
export function createComponentClient(options: {
  readonly baseUrl: string;
  readonly audience: Component;
  readonly caller: Component;
  readonly signer: GrantSigner;
  readonly fetch?: typeof fetch;
}): ComponentClient {
  const clientFor = (behalf: Behalf): Client =>
    createClient({
      baseUrl: options.baseUrl,
      peer: options.audience,
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      token: async (shape, input) => {
        if (shape.access.kind !== "component") throw new Error(`${shape.id} is not for components`);
        const siteId = Number(input.params?.siteId);
        return options.signer.sign({
          aud: options.audience,
          sub: options.caller,
          site: Number.isSafeInteger(siteId) ? siteId : "*",
          verbs: [shape.access.verb],
          ...behalf,
        });
      },
    });
  const plain = clientFor({});
  return {
    call: <E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<ResultOf<E>> => plain.call(shape, input),
    fetch: <E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<Response> => plain.fetch(shape, input),
    on: clientFor,
  };
}
