import { randomUUID } from "node:crypto";
import type { OperationKind, OperationState, OperationView, SiteView, UserView } from "#contract/api/views.ts";
import { defaultSiteLimits } from "#contract/site.ts";
import { defaultSiteCache } from "#contract/site-cache.ts";

const at = "2025-01-02T03:04:05.000Z";

/** A user as the API shows one. */
export function userViewOf(username: string): UserView {
  return { id: 1, username, role: "member", isActive: true, createdAt: at };
}

/** A site as the API shows one. */
export function siteViewOf(name: string, over: Partial<SiteView> = {}): SiteView {
  const state = over.state ?? "running";
  return {
    id: 7,
    name,
    url: `http://${name}.localhost:8080/`,
    description: "",
    kind: "static",
    purpose: "project",
    availability: "enabled",
    availabilityReason: "",
    state,
    status: { state, reason: null, since: at },
    limits: defaultSiteLimits,
    egress: "none",
    cache: defaultSiteCache,
    settings: { idleSeconds: 900, botsWake: false, canRunTwice: true, timeZone: "UTC" },
    you: { role: "owner", may: ["site.read"] },
    createdAt: at,
    updatedAt: at,
    ...over,
  };
}

/** An operation as the API shows one; `ended` of its two steps have succeeded. */
export function operationViewOf(kind: OperationKind, state: OperationState, options: { readonly id?: string; readonly ended?: number } = {}): OperationView {
  const ended = options.ended ?? (state === "succeeded" ? 2 : 0);
  const step = (name: string, title: string, index: number): OperationView["steps"][number] => {
    const isOver = index < ended;
    const isFailed = state === "failed" && index === ended;
    const stepState = isOver ? "succeeded" : isFailed ? "failed" : state === "running" && index === ended ? "running" : "waiting";
    return { name, title, state: stepState, attempt: 1, message: null, startedAt: at, finishedAt: isOver || isFailed ? at : null };
  };
  return {
    id: options.id ?? randomUUID(),
    kind,
    state,
    site: "demo",
    requestedBy: "ann",
    failure: state === "failed" ? { code: "disk_full", title: "The disk of the server is full." } : null,
    steps: [step("folders", "Make the folders", 0), step("routes", "Tell the router", 1)],
    createdAt: at,
    startedAt: at,
    finishedAt: state === "succeeded" || state === "failed" ? at : null,
  };
}
