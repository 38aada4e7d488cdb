import type { ImageView } from "#contract/image.ts";

export type Image = ImageView;
export type NewImage = Omit<Image, "id">;

/** The catalogue of images. */
export interface ImageStore {
  /** By name. */
  all(): Promise<readonly Image[]>;
  byId(id: number): Promise<Image | null>;
  /** @throws {Failure} `image_name_taken` */
  create(image: NewImage): Promise<Image>;
  /** Sites that have it learn of another reference. Null when it is not there. @throws {Failure} `image_name_taken` */
  update(id: number, changes: { readonly [K in keyof NewImage]?: NewImage[K] | undefined }): Promise<Image | null>;
  /** False when it is not there. @throws {Failure} `image_in_use` */
  remove(id: number): Promise<boolean>;
  /** What a site's programs run in: its own image, else the default one; null when the catalogue has none. */
  referenceFor(imageId: number | null): Promise<string | null>;
}
