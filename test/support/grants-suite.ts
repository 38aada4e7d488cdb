import { request as httpRequest } from "node:http";
import { json } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { pathOf } from "#contract/client.ts";
import { type EndpointShape, hasRawBody } from "#contract/endpoint.ts";
import { type Component, components, type GrantVerb, grantVerbs } from "#contract/grant.ts";
import type { GrantRequest } from "#kit/grant.ts";

/** A running component that other components call. */
export interface GuardedComponent {
  readonly url: string;
  /** A grant as the one who carries it would have it. */
  sign(request: GrantRequest, lifetimeSeconds?: number): Promise<string>;
  /** The same grant, signed by each of those whose word does not count for it. */
  forge(request: GrantRequest): Promise<readonly string[]>;
  /** Tells it that earlier epochs of the site and of the person are over; absent where grants have none. */
  readonly endEpochsBefore?: (epochs: { readonly site: number; readonly user: number; readonly epoch: number }) => Promise<unknown>;
}

/** What the suite asks, and of whom. */
export interface GrantsOptions {
  readonly audience: Component;
  readonly endpoints: readonly EndpointShape[];
  readonly hasEpochs: boolean;
  readonly component: () => GuardedComponent;
}

const mine = 7;
const someone = 3;

/** Every endpoint is open to those whom its description names, with the right grant, and to nobody else. */
export function describeGrants({ audience, endpoints, hasEpochs, component }: GrantsOptions): void {
  describe.each(endpoints.map((shape) => [shape.id, shape] as const))(`%s at the ${audience}`, (_, shape) => {
    const { callers, verb } = accessOf(shape);
    const hasSite = shape.path.includes(":siteId");
    const sub = components.find((each) => callers.includes(each)) ?? audience;
    const right: GrantRequest = { aud: audience, sub, site: hasSite ? mine : "*", verbs: [verb] };
    const refusalOf = async (token: string | null): Promise<number> => statusOf(component().url, shape, { token, body: undefined });
    const answerTo = async (request: GrantRequest): Promise<number> =>
      statusOf(component().url, shape, { token: await component().sign(request), body: shape.body === undefined ? undefined : "{}" });

    it("is refused to nobody in particular", async () => {
      expect(await refusalOf(null)).toBe(401);
      expect(await refusalOf("not-a-token")).toBe(403);
    });

    it("is open to its callers alone", async () => {
      for (const each of components) {
        const request = { ...right, sub: each };
        if (callers.includes(each)) expect([each, await answerTo(request)]).not.toEqual([each, 403]);
        else expect([each, await refusalOf(await component().sign(request))]).toEqual([each, 403]);
      }
    });

    it("is refused with a grant for another audience, verb or time, and with one that another signed", async () => {
      const wrong: GrantRequest[] = [
        ...components.filter((aud) => aud !== audience).map((aud) => ({ ...right, aud })),
        { ...right, verbs: grantVerbs.filter((each) => each !== verb) },
      ];
      const refusals = wrong.map(async (request) => [request, await refusalOf(await component().sign(request))]);
      expect(await Promise.all(refusals)).toEqual(wrong.map((request) => [request, 403]));
      expect(await refusalOf(await component().sign(right, -120))).toBe(403);
      const forged = await component().forge(right);
      expect(await Promise.all(forged.map(refusalOf))).toEqual(forged.map(() => 403));
      expect(forged).not.toEqual([]);
    });

    if (hasSite) {
      it("is refused with a grant for another site", async () => {
        expect(await refusalOf(await component().sign({ ...right, site: mine + 1 }))).toBe(403);
      });
    }

    if (!hasEpochs) return;
    it("is refused with a grant of an earlier epoch", async () => {
      await component().endEpochsBefore?.({ site: mine, user: someone, epoch: 5 });
      const early = hasSite
        ? [
            { ...right, siteEpoch: 4 },
            { ...right, site: "*" as const, siteEpoch: 4 },
          ]
        : [];
      const stale = [{ ...right, user: someone, userEpoch: 4 }, ...early];
      for (const request of stale) expect([request, await refusalOf(await component().sign(request))]).toEqual([request, 403]);
      expect(await answerTo({ ...right, user: someone, userEpoch: 5, siteEpoch: 5 })).not.toBe(403);
    });
  });
}

function accessOf(shape: EndpointShape): { readonly callers: readonly Component[]; readonly verb: GrantVerb } {
  if (shape.access.kind !== "component") throw new Error(`${shape.id} is not for components`);
  return shape.access;
}

const params = { siteId: mine, instance: "op-1", uploadId: "upload-1", uid: "3f2b8a5e-6c1d-4e7f-9a0b-1c2d3e4f5a6b", stream: "stdout", terminal: "t-1" };
/** Longer than any body that is taken, and never sent: only an answer to the head alone comes at all. */
const announcedBytes = 1_000_000_000;

/** What a call is answered that would be right but for its grant; without a body one is announced that never comes. */
function statusOf(url: string, shape: EndpointShape, call: { readonly token: string | null; readonly body: string | undefined }): Promise<number> {
  const path = pathOf(shape, { params, query: "query" in shape ? { path: "public" } : {} });
  const headers: Record<string, string> = call.token === null ? {} : { authorization: `Bearer ${call.token}` };
  if (shape.body !== undefined) {
    headers["content-type"] = hasRawBody(shape) ? shape.body.mediaType : "application/json";
    headers["content-length"] = String(call.body?.length ?? announcedBytes);
  }
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${url}${path}`, { method: shape.method, headers, agent: false, signal: AbortSignal.timeout(20_000) }, async (response) => {
      // An address that nobody serves must not pass for one that refuses.
      const unknown = response.statusCode === 404 && (await json(response).catch(() => ({})));
      sent.destroy();
      if (unknown && typeof unknown === "object" && "code" in unknown && unknown.code === "not_found") reject(new Error(`nobody serves ${shape.id}`));
      else resolve(response.statusCode ?? 0);
    });
    sent.once("error", reject);
    if (shape.body !== undefined && call.body === undefined) sent.flushHeaders();
    else sent.end(call.body);
  });
}
