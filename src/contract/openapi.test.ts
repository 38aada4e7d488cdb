import { expect, test } from "vitest";
import { publicEndpoints } from "./api/public.ts";
import { doorFileEndpoints } from "./internal/door-files.ts";
import { siteFileEndpoints } from "./internal/files.ts";
import { managerInternalEndpoints } from "./internal/manager.ts";
import { orchestratorEndpoints } from "./internal/orchestrator.ts";
import { routerEndpoints } from "./internal/router.ts";
import { runEndpoints } from "./internal/runs.ts";
import { openApiOf } from "./openapi.ts";

test("every endpoint stands in the document under its own path, method and id", () => {
  const document = openApiOf(publicEndpoints, { title: "Backlot", version: "1" }) as { paths: Record<string, Record<string, { operationId: string }>> };
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((operation) => operation.operationId));
  expect(ids.toSorted()).toEqual(publicEndpoints.map((shape) => shape.id).toSorted());
});

test("ids and addresses are unique within a process", () => {
  for (const table of [
    [...publicEndpoints, ...managerInternalEndpoints],
    [...orchestratorEndpoints, ...siteFileEndpoints, ...runEndpoints, ...doorFileEndpoints],
    routerEndpoints,
  ]) {
    expect(new Set(table.map((shape) => shape.id)).size).toBe(table.length);
    expect(new Set(table.map((shape) => `${shape.method} ${shape.path}`)).size).toBe(table.length);
  }
});

test("what people call never asks for a component's grant, and the other way round", () => {
  for (const shape of publicEndpoints) expect(shape.access.kind, shape.id).not.toBe("component");
  for (const shape of [...orchestratorEndpoints, ...siteFileEndpoints, ...runEndpoints, ...doorFileEndpoints, ...routerEndpoints, ...managerInternalEndpoints])
    expect(shape.access.kind, shape.id).toBe("component");
});

test("a site's endpoint names the site in its path", () => {
  for (const shape of publicEndpoints) if (shape.access.kind === "site") expect(shape.path, shape.id).toContain("/sites/:name");
});
