import { afterAll, beforeAll, expect, test } from "vitest";
import { createImage, listImages, updateImage } from "#contract/api/images.ts";
import { type ManagerBench, startManagerBench } from "../../test/support/manager-bench.ts";

let bench: ManagerBench;
beforeAll(async () => {
  bench = await startManagerBench({ BACKLOT_RECONCILE_SECONDS: "1" });
  await bench.person("ada");
});
afterAll(() => bench[Symbol.asyncDispose]());

const patience = { timeout: 30_000, interval: 100 };
const ask = (method: string, path: string, as: string, json?: unknown) =>
  bench.request(`/api/v1${path}`, { method, as, ...(json === undefined ? {} : { json }) });

async function make(json: object): Promise<number> {
  const made = await ask("POST", "/images", "admin", json);
  expect(made.status).toBe(201);
  return createImage.result.parse(await made.json()).image.id;
}

async function seenBy(as: string) {
  return listImages.result.parse(await (await ask("GET", "/images", as)).json());
}

/** The image of the specification that the orchestrator was told last. */
function told(siteId: number): unknown {
  return (bench.orchestrator.state.specs.get(siteId) as { image?: unknown } | undefined)?.image;
}

async function codeOf(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}

test("the catalogue is the administrators' to edit, and everyone's to choose from", async () => {
  const node = await make({ name: "Node", reference: "node:24-bookworm", isDefault: true, runTemplate: "#!/bin/sh\nexec node .\n" });
  const lab = await make({ name: "Lab", reference: "registry.example.org/lab:1", visibility: "administrators" });
  expect((await seenBy("admin")).images.map(({ name }) => name)).toEqual(["Lab", "Node"]);
  expect(await seenBy("ada")).toMatchObject({ isUsed: false, images: [{ id: node, isDefault: true, runTemplate: "#!/bin/sh\nexec node .\n" }] });
  expect(await codeOf(await ask("POST", "/images", "admin", { name: "Node", reference: "x" }))).toBe("409 image_name_taken");
  expect(await codeOf(await ask("POST", "/images", "admin", { name: "Bad", reference: "--privileged" }))).toBe("422 input_invalid");
  for (const [method, path, json] of [
    ["POST", "/images", { name: "x", reference: "x" }],
    ["PATCH", `/images/${lab}`, { name: "x" }],
    ["DELETE", `/images/${lab}`, undefined],
  ] as const) {
    expect(await codeOf(await ask(method, path, "ada", json))).toBe("403 administrators_only");
    expect((await bench.request(`/api/v1${path}`, { method })).status).toBe(401);
  }
  expect(await codeOf(await ask("PATCH", "/images/999", "admin", { name: "x" }))).toBe("404 image_not_found");
});

test("a site runs in the image that was chosen, else in the default; another reference reaches both", async () => {
  const python = await make({ name: "Python", reference: "python:3.13" });
  const [hidden] = [await make({ name: "Old", reference: "old:1", visibility: "hidden" })];
  expect(await codeOf(await ask("POST", "/sites", "ada", { name: "refused", kind: "dynamic", image: hidden }))).toBe("404 image_not_found");
  const ids: number[] = [];
  for (const [name, image] of [
    ["snake", python],
    ["plain", null],
  ] as const) {
    const made = (await (await ask("POST", "/sites", "ada", { name, kind: "dynamic", image })).json()) as { site: { id: number; image: number | null } };
    expect(made.site.image).toBe(image);
    ids.push(made.site.id);
  }
  const [snake = 0, plain = 0] = ids;
  await expect.poll(() => [told(snake), told(plain)], patience).toEqual(["python:3.13", "node:24-bookworm"]);
  expect(await codeOf(await ask("DELETE", `/images/${python}`, "admin"))).toBe("409 image_in_use");

  await ask("PATCH", `/images/${python}`, "admin", { reference: "python:3.14", isDefault: true });
  await expect.poll(() => [told(snake), told(plain)], patience).toEqual(["python:3.14", "python:3.14"]);

  const changed = (await (await ask("PATCH", "/sites/snake", "ada", { image: null })).json()) as { operation: { kind: string; steps: { name: string }[] } };
  expect(changed.operation).toMatchObject({ kind: "configure", steps: [{ name: "apply" }, { name: "publish" }, { name: "refresh" }] });
  await expect.poll(async () => (await ask("DELETE", `/images/${python}`, "admin")).status, patience).toBe(204);
  await expect.poll(() => told(plain), patience).toBe(null);
});

test("what an administrator changes of an image stays changed, and nothing else does", async () => {
  const first = {
    name: "Robots",
    reference: "ros:2",
    description: "With ROS.",
    runTemplate: "#!/bin/sh\nexec old\n",
    visibility: "everyone",
    isDefault: false,
  };
  const id = await make(first);
  const named = { id, ...first };
  const listed = async (as: string) => (await seenBy(as)).images.find((image) => image.id === id);
  expect(await listed("admin")).toEqual(named);
  let kept = named;
  for (const change of [
    { description: "With ROS 2.\nAnd “Gazebo”." },
    { runTemplate: "#!/bin/sh\nexec new\n" },
    { name: "Robotics" },
    { visibility: "administrators" },
    { visibility: "hidden" },
    { visibility: "everyone", description: "", runTemplate: "" },
  ]) {
    kept = { ...kept, ...change };
    const answer = await ask("PATCH", `/images/${id}`, "admin", change);
    expect([answer.status, updateImage.result.parse(await answer.json()).image]).toEqual([200, kept]);
    expect(await listed("admin")).toEqual(kept);
    expect(await listed("ada")).toEqual(kept.visibility === "everyone" ? kept : undefined);
  }
});

test("a changed image is answered as the database keeps it", async () => {
  const id = await make({ name: "Odd", reference: "odd:1" });
  const answer = await ask("PATCH", `/images/${id}`, "admin", { description: "be\0fore", runTemplate: "af\0ter" });
  const { image } = updateImage.result.parse(await answer.json());
  expect(image).toMatchObject({ description: "before", runTemplate: "after" });
  expect((await seenBy("admin")).images).toContainEqual(image);
});
