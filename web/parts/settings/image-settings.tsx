import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import type { ImageView } from "#contract/image.ts";
import { useImages } from "../../app/data-images.ts";
import { useUpdateSite } from "../../app/data-sites.ts";
import { fieldRules } from "../../app/draft.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Section } from "../heading.tsx";
import { ImageChoice, imageOf } from "../images/image-choice.tsx";
import { RunOffer } from "../images/run-offer.tsx";
import { SaveBar } from "./save-bar.tsx";

interface ImageDraft {
  readonly image: number | null;
}
const rules = fieldRules<ImageDraft>();
const imageDraftOf = (site: SiteView): ImageDraft => ({ image: site.image ?? null });

/** The image that a site's programs run in; shown only where sites run in images and there is a choice. */
export function ImageSettings({ site }: { readonly site: SiteView }): ReactNode {
  const { data } = useImages();
  if (data === undefined || !data.isUsed || data.images.length === 0) return null;
  return <ImageForm site={site} images={data.images} />;
}

function ImageForm({ site, images }: { readonly site: SiteView; readonly images: readonly ImageView[] }): ReactNode {
  const form = useDraft(imageDraftOf(site), rules);
  const { image } = form.draft;
  const held = form.base.image;
  const update = useUpdateSite(site.name);
  const chosen = imageOf(images, image);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (image !== held) update.mutate({ image }, { onSuccess: ({ site: answer }) => form.settle({ image }, imageDraftOf(answer)) });
  };
  return (
    <Section id="image" title="Image" lead="What the program runs in: its languages and tools.">
      <form onSubmit={submit}>
        <ImageChoice
          images={images}
          value={image}
          onChoose={(chosenImage) => form.set({ image: chosenImage })}
          held={held}
          hint="A change restarts the program."
        />
        {chosen !== undefined && chosen.runTemplate !== "" && <RunOffer site={site.name} image={chosen} />}
        <SaveBar
          isChanged={image !== held}
          isSaving={update.isPending}
          error={update.error}
          onDiscard={() => {
            form.discard();
            update.reset();
          }}
        />
      </form>
    </Section>
  );
}
