import { expect, test } from "vitest";
import { type ImageView, imageReference } from "#contract/image.ts";
import { actor } from "../../../test/support/builders.ts";
import { demandImage, visibleImages } from "./choose-image.ts";

const image = (id: number, visibility: ImageView["visibility"]): ImageView => ({
  ...{ id, visibility, name: `image ${id}`, reference: "node:24", description: "", runTemplate: "", isDefault: false },
});
const all = [image(1, "everyone"), image(2, "administrators"), image(3, "hidden")];
const images = { byId: async (id: number) => all.find((each) => each.id === id) ?? null };
const [ada, admin] = [actor(), actor({ role: "administrator" })];

test("everyone sees what everyone may choose, administrators see all", () => {
  expect(visibleImages(all, ada).map(({ id }) => id)).toEqual([1]);
  expect(visibleImages(all, admin).map(({ id }) => id)).toEqual([1, 2, 3]);
});

test("the default and a visible image may be chosen; another's, a hidden one and none are not there", async () => {
  await demandImage(images, ada, null);
  await demandImage(images, ada, 1);
  await demandImage(images, admin, 2);
  for (const [who, id] of [
    [ada, 2],
    [ada, 3],
    [admin, 3],
    [ada, 9],
  ] as const) {
    await expect(demandImage(images, who, id)).rejects.toMatchObject({ code: "image_not_found" });
  }
});

test.each(["node:24-bookworm", "python", "registry.example.org:5000/school/python:3.13", `a/b@sha256:${"0".repeat(64)}`, "localhost/x", "a__b.c-d/e"])(
  "%s names an image",
  (reference) => void expect(imageReference.parse(reference)).toBe(reference),
);

test.each([
  ...["", "-v", "--privileged", "node:", "Node", "node:24 --privileged", "node\n", "node:24\n", "../x", "/x", "x//y", "http://x/y", "node:-a", "x@sha256:00"],
  ...["a".repeat(256), "$(id)", "a;b", "a`b", "a:b:c", "x@md5:0", "a.-b", "é", "x\0y", "registry.example.org:99999999/x"],
])("%j names none", (reference) => void expect(imageReference.safeParse(reference).success).toBe(false));

test("a long text that almost names one is judged at once", () => {
  const began = performance.now();
  for (const piece of ["a", "a.", "a-", "_", "a/"]) imageReference.safeParse(`${piece.repeat(120)}!`);
  expect(performance.now() - began).toBeLessThan(2_000);
});
