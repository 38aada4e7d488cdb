import type { FastifyInstance } from "fastify";
import * as api from "#contract/api/images.ts";
import { Failure } from "#contract/failure.ts";
import { visibleImages } from "#core/images/choose-image.ts";
import type { ImageStore } from "#core/images/image-store.ts";
import type { Fleet } from "#core/nodes/fleet.ts";
import { mount } from "#kit/http/mount.ts";
import type { Note } from "./audit-trail.ts";
import type { personGuards } from "./person-guard.ts";

/** What the endpoints of images need. */
export interface ImagesDeps {
  readonly guards: Pick<ReturnType<typeof personGuards>, "person">;
  readonly images: ImageStore;
  readonly fleet: Pick<Fleet, "nodes">;
  readonly note: Note;
}

/** Serves the catalogue of images: everyone chooses, administrators edit. */
export function mountImages(app: FastifyInstance, { guards, images, fleet, note }: ImagesDeps): void {
  const at = { app, guard: guards.person };
  mount(at, api.listImages, async ({ caller }) => ({
    images: [...visibleImages(await images.all(), caller.actor)],
    isUsed: fleet.nodes.some(({ report }) => report?.runtime === "swarm"),
  }));
  mount(at, api.createImage, async ({ body, caller }) => {
    const image = await images.create(body);
    await note(caller.actor, "images.create", { details: { image: image.name, reference: image.reference } });
    return { image };
  });
  mount(at, api.updateImage, async ({ params, body, caller }) => {
    const image = await images.update(params.id, body);
    if (image === null) throw new Failure("image_not_found");
    await note(caller.actor, "images.update", { details: { image: image.name, reference: image.reference, changed: Object.keys(body) } });
    return { image };
  });
  mount(at, api.deleteImage, async ({ params, caller }) => {
    if (!(await images.remove(params.id))) throw new Failure("image_not_found");
    await note(caller.actor, "images.delete", { details: { image: params.id } });
    return undefined;
  });
}
