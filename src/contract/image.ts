import { z } from "zod";

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
/** Docker's own grammar (distribution/reference): [HOST[:PORT]/]PATH[:TAG][@sha256:…]. It begins with a letter or digit: no option, and no address. */
const grammar = new RegExp(
  `^(?:${label}(?:\\.${label})*(?::[0-9]{1,5})?/)?${part}(?:/${part})*(?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$`,
);

/** The name of a container image, as the engine takes it: `node:24-bookworm`, `registry.example.org:5000/school/python@sha256:…`. */
export const imageReference = z
  .string()
  .max(255)
  .regex(grammar, "is not the name of an image, such as node:24-bookworm or registry.example.org:5000/school/python:3");

/** Who may choose an image for a site: everyone, administrators, or nobody any more; sites that have it keep it. */
export const imageVisibilities = ["everyone", "administrators", "hidden"] as const;
export const imageVisibility = z.enum(imageVisibilities);
export type ImageVisibility = z.output<typeof imageVisibility>;

/** An image of the catalogue. */
export const imageView = z.object({
  id: z.int(),
  /** What people call it. */
  name: z.string(),
  reference: z.string(),
  description: z.string(),
  /** A `run.sh` for sites that have none; empty for none. */
  runTemplate: z.string(),
  visibility: imageVisibility,
  /** That of sites which name none. */
  isDefault: z.boolean(),
});
export type ImageView = z.output<typeof imageView>;
