import { listImages } from "#contract/api/images.ts";
import { needSignIn, type Session } from "../session.ts";
import { columnsOf } from "../terminal.ts";

/** Lists the images that I may choose for a site. */
export async function showImages(session: Session): Promise<void> {
  needSignIn(session);
  const { images, isUsed } = await session.client.call(listImages, {});
  if (!isUsed) session.note("Sites run without images here; a choice has no effect.");
  const rows = images.map((image) => [String(image.id), image.name, image.reference, image.isDefault ? "default" : "", image.visibility, image.description]);
  await session.answer({ images }, columnsOf([["ID", "NAME", "IMAGE", "", "FOR", "DESCRIPTION"], ...rows]));
}
