import { z } from "zod";
import { endpoint } from "../endpoint.ts";
import { imageReference, imageView, imageVisibility } from "../image.ts";

const manage = { kind: "platform", verb: "platform.manage", scope: "full" } as const;
const byId = z.object({ id: z.coerce.number().int().positive() });
const fields = z.strictObject({
  name: z.string().trim().min(1).max(80),
  reference: imageReference,
  description: z.string().max(2_000),
  runTemplate: z.string().max(20_000),
  visibility: imageVisibility,
  /** Makes it that of sites which name none; the one before is so no longer. */
  isDefault: z.boolean(),
});

export const listImages = endpoint({
  id: "images.list",
  method: "GET",
  path: "/api/v1/images",
  summary: "Images that I may choose for a site; administrators see all. Where the runtime has no images (`isUsed` is false) the choice has no effect",
  access: { kind: "signed-in", scope: "read" },
  result: z.object({ images: z.array(imageView), isUsed: z.boolean() }),
  status: 200,
});

export const createImage = endpoint({
  id: "images.create",
  method: "POST",
  path: "/api/v1/images",
  summary: "Add an image to the catalogue; whether it can be had, a site's start tells",
  access: manage,
  body: fields.extend({
    description: fields.shape.description.default(""),
    runTemplate: fields.shape.runTemplate.default(""),
    visibility: imageVisibility.default("everyone"),
    isDefault: z.boolean().default(false),
  }),
  result: z.object({ image: imageView }),
  status: 201,
  failures: ["image_name_taken"],
});

export const updateImage = endpoint({
  id: "images.update",
  method: "PATCH",
  path: "/api/v1/images/:id",
  summary: "Change an image; sites that have it get another reference with their next start",
  access: manage,
  params: byId,
  body: fields.partial(),
  result: z.object({ image: imageView }),
  status: 200,
  failures: ["image_not_found", "image_name_taken"],
});

export const deleteImage = endpoint({
  id: "images.delete",
  method: "DELETE",
  path: "/api/v1/images/:id",
  summary: "Remove an image that no site has",
  access: manage,
  params: byId,
  status: 204,
  failures: ["image_not_found", "image_in_use"],
});

export const imageEndpoints = [listImages, createImage, updateImage, deleteImage] as const;
