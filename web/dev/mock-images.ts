import { Failure } from "#contract/failure.ts";
import type { ImageView } from "#contract/image.ts";
import type { MockHandler } from "./mock-call.ts";

const first: readonly ImageView[] = [
  {
    ...{ id: 1, name: "Node 24", reference: "node:24-bookworm", description: "JavaScript and TypeScript on Debian.", visibility: "everyone", isDefault: true },
    runTemplate: "#!/bin/sh\ncd /site\nexec node server.js\n",
  },
  { ...{ id: 2, name: "Python 3.13", reference: "python:3.13", description: "", visibility: "everyone", isDefault: false }, runTemplate: "" },
  {
    ...{
      id: 3,
      name: "Robotics lab",
      reference: `registry.school.example:5000/lab/ros@sha256:${"0".repeat(64)}`,
      description: "With ROS 2.",
      visibility: "administrators",
      isDefault: false,
    },
    runTemplate: "",
  },
];

const catalogues = new WeakMap<object, ImageView[]>();

function catalogueOf(world: object): ImageView[] {
  const known = catalogues.get(world) ?? [...first];
  catalogues.set(world, known);
  return known;
}

/** A pretended catalogue. */
export const mockImageHandlers: Readonly<Record<string, MockHandler>> = {
  "images.list": ({ world }) => ({ images: catalogueOf(world), isUsed: true }),
  "images.create": ({ world, body }) => {
    const image = { ...(body as Omit<ImageView, "id">), id: Date.now() % 1_000_000 };
    catalogueOf(world).push(image);
    return { image };
  },
  "images.update": ({ world, params, body }) => {
    const catalogue = catalogueOf(world);
    const at = catalogue.findIndex(({ id }) => id === Number(params.id));
    const before = catalogue[at];
    if (before === undefined) throw new Failure("image_not_found");
    const image = { ...before, ...(body as Partial<ImageView>) };
    catalogue[at] = image;
    return { image };
  },
  "images.delete": ({ world, params }) => {
    const catalogue = catalogueOf(world);
    const at = catalogue.findIndex(({ id }) => id === Number(params.id));
    if (catalogue[at]?.isDefault === true) throw new Failure("image_in_use", { count: 12 });
    if (at >= 0) catalogue.splice(at, 1);
    return undefined;
  },
};
