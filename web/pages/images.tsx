import { Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { ImageView } from "#contract/image.ts";
import { wordsOf } from "../app/api.ts";
import { useImages } from "../app/data-images.ts";
import { useIsAdministrator } from "../app/data-session.ts";
import { Button } from "../parts/button.tsx";
import { EmptyLot } from "../parts/empty-lot.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { ImageDialog } from "../parts/images/image-dialog.tsx";
import { ImageRow } from "../parts/images/image-row.tsx";
import { PageProblem } from "../parts/page-problem.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Loading, Skeleton } from "../parts/skeleton.tsx";

/** The catalogue of images that sites run in. */
export function ImagesPage(): ReactNode {
  const isAdministrator = useIsAdministrator();
  const query = useImages();
  const [edited, setEdited] = useState<ImageView | "new" | null>(null);
  if (!isAdministrator) return <PageProblem page="Images" title="Only an administrator may edit the images. Ask one of them." />;
  const images = query.data?.images;
  // As it is saved now, and not as it was when the dialog opened.
  const image = edited === "new" ? null : (images?.find(({ id }) => id === edited?.id) ?? edited);
  return (
    <div className="mx-auto max-w-4xl">
      <PageHeading title="Images" lead="What sites' programs run in: their languages and tools.">
        <Button variant="primary" onClick={() => setEdited("new")}>
          <Plus aria-hidden="true" />
          Add image
        </Button>
      </PageHeading>
      {query.data?.isUsed === false && (
        <p className="card mb-4 px-4 py-3 text-soft">
          Sites run as processes of this machine here, without images. The catalogue takes effect under Docker Swarm.
        </p>
      )}
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {images === undefined && query.error === null && (
        <Loading label="The images are loading">
          <Skeleton className="h-40 w-full rounded-xl" />
        </Loading>
      )}
      {images?.length === 0 && (
        <EmptyLot title="There are no images yet">
          <p className="mt-1 max-w-md text-soft">Until there is one, sites run in the image of the orchestrators' settings.</p>
        </EmptyLot>
      )}
      {images !== undefined && images.length > 0 && (
        <ul className="card divide-y divide-line" aria-label="Images">
          {images.map((image) => (
            <ImageRow key={image.id} image={image} onEdit={() => setEdited(image)} />
          ))}
        </ul>
      )}
      {edited !== null && <ImageDialog image={image} onClose={() => setEdited(null)} />}
    </div>
  );
}
