import type { ReactNode } from "react";
import type { ImageView } from "#contract/image.ts";
import { Field, Select } from "../field.tsx";

interface Props {
  readonly images: readonly ImageView[];
  /** null: the default one. */
  readonly value: number | null;
  readonly onChoose: (image: number | null) => void;
  /** The one that the site has, which may be hidden from others by now. */
  readonly held?: number | null;
  /** What is said of an image that says nothing of itself. */
  readonly hint: string;
}

/** The image that a choice comes to. */
export function imageOf(images: readonly ImageView[], value: number | null): ImageView | undefined {
  return images.find(({ id, isDefault }) => (value === null ? isDefault : id === value));
}

/** Which image of the catalogue a site's programs run in, with what it says of itself. */
export function ImageChoice({ images, value, onChoose, held = null, hint }: Props): ReactNode {
  const standard = imageOf(images, null);
  const chosen = imageOf(images, value);
  const isUnlisted = held !== null && !images.some(({ id }) => id === held);
  return (
    <Field label="Image" hint={chosen?.description || hint}>
      {(control) => (
        <Select {...control} value={value ?? ""} onChange={(event) => onChoose(event.target.value === "" ? null : Number(event.target.value))}>
          <option value="">Default{standard === undefined ? "" : ` (${standard.name})`}</option>
          {isUnlisted && <option value={held}>The present one (no longer offered)</option>}
          {images
            .filter(({ id, visibility }) => visibility !== "hidden" || id === held)
            .map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
        </Select>
      )}
    </Field>
  );
}
