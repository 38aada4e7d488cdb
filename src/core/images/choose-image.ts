import { Failure } from "#contract/failure.ts";
import type { ImageVisibility } from "#contract/image.ts";
import type { Actor } from "../accounts/user.ts";
import type { Image, ImageStore } from "./image-store.ts";

/** Whether somebody may choose an image for a site. */
export function mayChoose(visibility: ImageVisibility, isAdministrator: boolean): boolean {
  return visibility === "everyone" || (visibility === "administrators" && isAdministrator);
}

/** Images that somebody sees: administrators the hidden ones, too. */
export function visibleImages(images: readonly Image[], actor: Actor): readonly Image[] {
  const isAdministrator = actor.user.role === "administrator";
  return isAdministrator ? images : images.filter(({ visibility }) => mayChoose(visibility, false));
}

/** Judges a choice; null is the default image. @throws {Failure} `image_not_found` for one that is not there, or not for this person. */
export async function demandImage(images: Pick<ImageStore, "byId">, actor: Actor, id: number | null): Promise<void> {
  if (id === null) return;
  const image = await images.byId(id);
  if (image === null || !mayChoose(image.visibility, actor.user.role === "administrator")) throw new Failure("image_not_found");
}
