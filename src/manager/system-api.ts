import type { FastifyInstance } from "fastify";
import { publicEndpoints } from "#contract/api/public.ts";
import { readSystem } from "#contract/api/system.ts";
import { openApiOf } from "#contract/openapi.ts";
import { missingInterpreters } from "#core/sites/create-site.ts";
import { canRun, type RunPolicy } from "#core/sites/run-policy.ts";
import { mount } from "#kit/http/mount.ts";
import { readVersion } from "#kit/version.ts";
import { renderApiDocs } from "./api-docs.ts";
import type { OrchestratorMirror } from "./orchestrator-mirror.ts";
import type { personGuards } from "./person-guard.ts";

/** What these endpoints need. */
export interface SystemDeps {
  readonly guards: ReturnType<typeof personGuards>;
  readonly mirror: OrchestratorMirror;
  readonly runPolicy: RunPolicy;
  readonly sitePattern: string;
  /** A setting of the installation. */
  readonly allowsCommands: boolean;
}

/** Serves what the installation offers, and the API's own description. */
export async function mountSystem(app: FastifyInstance, deps: SystemDeps): Promise<void> {
  const version = await readVersion();
  mount({ app, guard: deps.guards.person }, readSystem, async ({ caller }) => {
    const capabilities = await deps.mirror.capabilities();
    return {
      version,
      siteUrlPattern: deps.sitePattern,
      starters: (capabilities?.starters ?? []).map(({ needs, ...starter }) => ({
        ...starter,
        missing: capabilities === null ? [] : [...missingInterpreters(needs, capabilities)],
      })),
      isolation: { isolates: capabilities?.isolates ?? true, missing: [...(capabilities?.missing ?? [])] },
      egress: { isAvailable: capabilities?.egress.isAvailable ?? false, notes: [...(capabilities?.egress.notes ?? [])] },
      maySitesRun: canRun(deps.runPolicy, capabilities, caller.actor.user.role === "administrator"),
      allowsCommands: deps.allowsCommands,
      isOrchestratorThere: capabilities !== null,
    };
  });
  const document = openApiOf(publicEndpoints, { title: "Backlot", version });
  app.get("/api/openapi.json", async () => document);
  const page = renderApiDocs(publicEndpoints);
  app.get("/api/docs", async (_request, reply) =>
    reply.type("text/html; charset=utf-8").header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'").send(page),
  );
}
