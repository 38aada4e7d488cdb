import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import type { Component } from "#contract/grant.ts";
import { defaultSiteLimits, siteFolder } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { type ComponentClient, createComponentClient } from "#kit/component-client.ts";
import { createSigner, type GrantSigner } from "#kit/grant.ts";
import { silentLog } from "#kit/log.ts";
import { configSchema } from "#orchestrator/config.ts";
import { type OrchestratorParts, startOrchestrator } from "#orchestrator/start.ts";
import { ScriptedRuntime } from "./scripted-runtime.ts";

/** A data folder with the keys of an orchestrator, and the signer of the manager whose grants it accepts. */
export interface OrchestratorHome extends AsyncDisposable {
  readonly data: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signer: GrantSigner;
  /** Where a site's files stand. */
  folderOf(siteId: number): string;
}

export async function makeOrchestratorHome(environment: Readonly<Record<string, string>> = {}): Promise<OrchestratorHome> {
  const data = await mkdtemp(join(tmpdir(), "backlot-orchestrator-"));
  const keys = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const keyFile = join(data, "orchestrator.key");
  const key = { component: "orchestrator", secret: Buffer.alloc(32, 7).toString("base64url"), managerPublicKey: await exportJWK(keys.publicKey) };
  await writeFile(keyFile, JSON.stringify(key));
  return {
    data,
    environment: { BACKLOT_DATA: data, BACKLOT_COMPONENT_KEY_FILE: keyFile, ...environment },
    signer: await createSigner(await exportJWK(keys.privateKey)),
    folderOf: (siteId) => join(data, "sites", siteFolder(siteId)),
    [Symbol.asyncDispose]: () => rm(data, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** A client of an orchestrator that signs as its manager would. */
export function clientOf(home: OrchestratorHome, baseUrl: string, caller: Component = "manager"): ComponentClient {
  return createComponentClient({ baseUrl, audience: "orchestrator", caller, signer: home.signer });
}

export interface OrchestratorUnderTest extends AsyncDisposable {
  readonly url: string;
  readonly client: ComponentClient;
  readonly runtime: ScriptedRuntime;
}

/** An orchestrator in this process, whose programs are scripted unless other parts are given. */
export async function startOrchestratorUnderTest(home: OrchestratorHome, parts: Partial<OrchestratorParts> = {}): Promise<OrchestratorUnderTest> {
  const runtime = new ScriptedRuntime();
  const config = configSchema.parse(home.environment);
  const all = { runtime, ownerOf: () => null, interpreters: async () => ({ node: "24.0.0" }), ...parts };
  const running = await startOrchestrator({ config, log: silentLog() }, all);
  const url = running.doors.orchestrator ?? "";
  return { url, client: clientOf(home, url), runtime, [Symbol.asyncDispose]: () => running.stop() };
}

/** A specification of a dynamic site that may run. */
export function specOf(siteId: number, given: Partial<SiteSpec> = {}): SiteSpec {
  return {
    siteId,
    name: `site-${siteId}`,
    kind: "dynamic",
    availability: "enabled",
    limits: defaultSiteLimits,
    environment: {},
    timeZone: "UTC",
    canRunTwice: true,
    egress: "none",
    database: null,
    isTrusted: true,
    revision: 1,
    ...given,
  };
}
