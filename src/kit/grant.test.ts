import { exportJWK, generateKeyPair } from "jose";
import { expect, test } from "vitest";
import { grantVerbs } from "#contract/grant.ts";
import { createSigner, createVerifier, type GrantRequest, grantCovers } from "./grant.ts";

const request: GrantRequest = { aud: "orchestrator", sub: "manager", site: 7, verbs: ["site.wake"] };
const keys = async () => {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  return { signingKey: await exportJWK(pair.privateKey), publicKey: await exportJWK(pair.publicKey) };
};

test("a grant says over the wire what was signed", async () => {
  const { signingKey, publicKey } = await keys();
  const token = await (await createSigner(signingKey)).sign(request);
  const claims = await (await createVerifier(publicKey))(token);
  expect(claims).toMatchObject(request);
  expect(claims.exp - claims.iat).toBe(60);
});

test("a grant of another key, a changed one and an expired one are refused", async () => {
  const mine = await keys();
  const other = await keys();
  const verify = await createVerifier(mine.publicKey);
  const signer = await createSigner(mine.signingKey);
  const [head, body, signature] = (await signer.sign(request)).split(".");
  const widened = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body ?? "", "base64url").toString()), site: "*" })).toString("base64url");
  for (const token of [
    await (await createSigner(other.signingKey)).sign(request),
    `${head}.${widened}.${signature}`,
    await signer.sign(request, -120),
    "nonsense",
    "",
  ]) {
    await expect(verify(token)).rejects.toMatchObject({ code: "grant_refused" });
  }
});

test("a public key never serves as a shared secret", async () => {
  const { publicKey } = await keys();
  const secret = new TextEncoder().encode(JSON.stringify(publicKey));
  const forged = await (await createSigner(secret)).sign(request);
  await expect((await createVerifier(publicKey))(forged)).rejects.toMatchObject({ code: "grant_refused" });
});

test("a grant covers exactly its audience, caller, verb and site", () => {
  const claims = { ...request, iat: 0, exp: 60 };
  const asked = { audience: "orchestrator", callers: ["manager"], verb: "site.wake", siteId: 7 } as const;
  expect(grantCovers(claims, asked)).toBe(true);
  expect(grantCovers(claims, { ...asked, audience: "router" })).toBe(false);
  expect(grantCovers(claims, { ...asked, callers: ["worker"] })).toBe(false);
  expect(grantCovers(claims, { ...asked, siteId: 8 })).toBe(false);
  expect(grantCovers(claims, { ...asked, siteId: undefined })).toBe(false);
  for (const verb of grantVerbs) expect(grantCovers(claims, { ...asked, verb })).toBe(verb === "site.wake");
  expect(grantCovers({ ...claims, site: "*" }, { ...asked, siteId: 8 })).toBe(true);
});
