import { Link } from "@tanstack/react-router";
import { CircleCheck, FolderOpen } from "lucide-react";
import type { ReactNode } from "react";
import type { OperationView, SiteView } from "#contract/api/views.ts";
import { useImages } from "../app/data-images.ts";
import { trackedOperations } from "../app/operations.ts";
import { progressWords } from "../app/state-words.ts";
import { useStore } from "../app/store.ts";
import { Button, buttonClass } from "./button.tsx";
import { ExternalLink, shortAddress } from "./external-link.tsx";
import { Facade } from "./facade.tsx";
import { PageHeading } from "./heading.tsx";
import { imageOf } from "./images/image-choice.tsx";
import { RunOffer } from "./images/run-offer.tsx";
import { OperationSteps } from "./operation-steps.tsx";
import { ProblemBox } from "./problem-box.tsx";

interface Props {
  readonly site: SiteView;
  readonly first: OperationView;
  readonly onAgain: () => void;
}

/** The creation of a site, step by step, and where to go when it stands. */
export function CreateProgress({ site, first, onAgain }: Props): ReactNode {
  const tracked = useStore(trackedOperations).find((each) => each.operation.id === first.id);
  const operation = tracked?.operation ?? first;
  const isReady = operation.state === "succeeded";
  const title = isReady ? `${site.name} is ready` : operation.state === "failed" ? `${site.name} could not be created` : `Creating ${site.name}`;
  return (
    <>
      <PageHeading title={title} />
      <section className="card p-5 sm:p-8" aria-label="Progress">
        <div className="mb-6 flex items-center gap-4">
          <Facade name={site.name} state={isReady ? "running" : "asleep"} className="size-16 shrink-0" />
          <div className="min-w-0">
            <h2 className="truncate font-semibold text-lg">{site.name}</h2>
            <p className="truncate text-soft">{shortAddress(site.url)}</p>
          </div>
        </div>
        <p role="status" className="sr-only">
          {progressWords(operation)}
        </p>
        <OperationSteps operation={operation} />
        <div aria-live="polite" className="mt-6">
          {isReady && (
            <p className="mb-4 flex items-center gap-2 font-medium text-good">
              <CircleCheck className="size-5" aria-hidden="true" />
              Your site is ready.
            </p>
          )}
          {operation.failure !== null && <ProblemBox title={operation.failure.title} />}
          {tracked?.trouble != null && <p className="text-warn">{tracked.trouble}</p>}
          {operation.state === "queued" && <p className="text-soft">Waiting for its turn…</p>}
        </div>
        {isReady && (
          <div className="flex flex-col gap-2 sm:flex-row">
            <ExternalLink href={site.url} className={buttonClass("primary")}>
              Open site
            </ExternalLink>
            <Link to="/sites/$name/files/$" params={{ name: site.name, _splat: "" }} className={buttonClass()}>
              <FolderOpen aria-hidden="true" />
              Edit files
            </Link>
            <Link to="/sites/$name" params={{ name: site.name }} className={buttonClass("quiet")}>
              To its overview
            </Link>
          </div>
        )}
        {isReady && site.kind === "dynamic" && <FirstRunFile site={site} />}
        {operation.state === "failed" && (
          <div className="mt-4 flex flex-col gap-2 sm:flex-row">
            <Link to="/sites/$name" params={{ name: site.name }} className={buttonClass("primary")}>
              To the site
            </Link>
            <Button onClick={onAgain}>Create another</Button>
          </div>
        )}
      </section>
    </>
  );
}

/** The run.sh that the site's image brings, for a site that was made empty. */
function FirstRunFile({ site }: { readonly site: SiteView }): ReactNode {
  const { data } = useImages();
  const image = data?.isUsed === true ? imageOf(data.images, site.image ?? null) : undefined;
  return image === undefined || image.runTemplate === "" ? null : <RunOffer site={site.name} image={image} />;
}
