import { LRUCache } from "lru-cache";
import { type CallInput, type Client, type ClientOptions, createClient, type InputOf } from "#contract/client.ts";
import { type EndpointShape, hasRawBody, hasRawResult, type ResultOf } from "#contract/endpoint.ts";
import type { Component } from "#contract/grant.ts";
import type { GrantRequest, GrantSigner } from "./grant.ts";
import { ByteClient } from "./http/byte-client.ts";

/** On whose behalf a call is made: the epochs let the other side close what it opened. */
export interface Behalf {
  readonly user?: number;
  readonly userEpoch?: number;
  readonly siteEpoch?: number;
  /** As whom and from where that person asks. */
  readonly by?: GrantRequest["by"];
}

/** A client that signs a grant for exactly the endpoint and the site of each call. */
export interface ComponentClient extends Client {
  /** The same client, on behalf of a person. */
  on(behalf: Behalf): Client;
}

/** Who calls whom, and where. */
export interface ComponentLink {
  readonly baseUrl: string;
  readonly audience: Component;
  readonly caller: Component;
  readonly signer: GrantSigner;
}

/** Makes a client of another process' internal endpoints. */
export function createComponentClient(options: ComponentLink & { readonly fetch?: typeof fetch }): ComponentClient {
  const clientFor = (behalf: Behalf): Client =>
    createClient({
      baseUrl: options.baseUrl,
      peer: options.audience,
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      token: grantFor(options, behalf),
    });
  const plain = clientFor({});
  return {
    call: <E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<ResultOf<E>> => plain.call(shape, input),
    fetch: <E extends EndpointShape>(shape: E, input: InputOf<E>): Promise<Response> => plain.fetch(shape, input),
    on: clientFor,
  };
}

/**
 * As `createComponentClient`, for those who ask much and often: what is JSON both ways goes over connections without `fetch`, which takes three times as
 * much processor time as the rest of a small call.
 */
export function createBusyClient(link: ComponentLink): ComponentClient {
  const plain = createComponentClient(link);
  const onBehalf = (behalf: Behalf, other: Client): Client => {
    const bytes = new ByteClient({ baseUrl: link.baseUrl, peer: link.audience, token: grantFor(link, behalf) });
    return {
      call: (shape, input) => (isJsonOnly(shape) ? bytes.call(shape, input) : other.call(shape, input)),
      fetch: other.fetch,
    };
  };
  return { ...onBehalf({}, plain), on: (behalf) => onBehalf(behalf, plain.on(behalf)) };
}

function isJsonOnly(shape: EndpointShape): boolean {
  return !hasRawBody(shape) && !hasRawResult(shape);
}

/** Which of several like processes a call goes to. */
export type PickClient = (shape: EndpointShape, input: CallInput) => Promise<ComponentClient>;

/** One client of several like processes: each call goes to the one that is picked for it. */
export function routedClient(pick: PickClient): ComponentClient {
  const clientFor = (behalf: Behalf | null): Client => {
    const picked = async (shape: EndpointShape, input: CallInput): Promise<Client> => {
      const client = await pick(shape, input);
      return behalf === null ? client : client.on(behalf);
    };
    return {
      call: async (shape, input) => (await picked(shape, input as CallInput)).call(shape, input),
      fetch: async (shape, input) => (await picked(shape, input as CallInput)).fetch(shape, input),
    };
  };
  return { ...clientFor(null), on: clientFor };
}

/** A grant is used again for so long: it is good for a minute, and is to arrive with most of it left. */
const grantReuseMs = 15_000;

/**
 * Signs a grant for exactly the endpoint and the site of each call: what `createClient` and `openSocket` take as `token`. One that says the
 * same is used again for a quarter of its time.
 */
export function grantFor(link: ComponentLink, behalf: Behalf): NonNullable<ClientOptions["token"]> {
  const grants = grantsOf(link.signer);
  return (shape, input) => {
    if (shape.access.kind !== "component") throw new Error(`${shape.id} is not for components`);
    const siteId = Number(input.params?.siteId);
    const request: GrantRequest = {
      aud: link.audience,
      sub: link.caller,
      site: Number.isSafeInteger(siteId) ? siteId : "*",
      verbs: [shape.access.verb],
      ...behalf,
    };
    const key = JSON.stringify(request);
    const known = grants.get(key);
    if (known !== undefined) return known;
    const grant = link.signer.sign(request);
    grants.set(key, grant);
    grant.catch(() => grants.delete(key));
    return grant;
  };
}

const grantsBySigner = new WeakMap<GrantSigner, LRUCache<string, Promise<string>>>();

// Clients on behalf of people come and go; what was signed for one of them is good for the next.
function grantsOf(signer: GrantSigner): LRUCache<string, Promise<string>> {
  const known = grantsBySigner.get(signer) ?? new LRUCache<string, Promise<string>>({ max: 1_000, ttl: grantReuseMs });
  grantsBySigner.set(signer, known);
  return known;
}
