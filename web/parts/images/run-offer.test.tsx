import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { ImageView } from "#contract/image.ts";
import { folderQuery } from "../../app/data-files.ts";
import { RunOffer } from "./run-offer.tsx";

const image: ImageView = {
  ...{ id: 1, name: "Node 24", reference: "node:24", description: "", visibility: "everyone", isDefault: true },
  runTemplate: "#!/bin/sh\nexec node .\n",
};

/** What is shown of a site of which these folders were read, with the names of what they hold. */
function shown(folders: Readonly<Record<string, readonly string[]>>): string {
  const client = new QueryClient();
  for (const [folder, names] of Object.entries(folders)) {
    const entries = names.map((name) => ({ name, type: "file" as const, size: 1, modifiedAt: "2026-01-01T00:00:00.000Z", executable: true }));
    client.setQueryData(folderQuery("shop", folder).queryKey, { entries, isTruncated: false });
  }
  return renderToStaticMarkup(
    <QueryClientProvider client={client}>
      <RunOffer site="shop" image={image} />
    </QueryClientProvider>,
  );
}

test("a site without a run.sh is offered that of its image, by the image's name", () => {
  const offer = shown({ "": ["README.md"], private: ["not-run.sh"], public: [] });
  expect(offer).toContain("This site has no run.sh yet. Node 24 comes with one to begin with.");
  expect(offer).toContain("Write run.sh");
});

test.each(["", "private", "public"])("nothing is offered where folder %j holds a run.sh", (folder) => {
  expect(shown({ "": [], private: [], public: [], [folder]: ["a.txt", "run.sh"] })).toBe("");
});

test.each(["", "private", "public"])("nothing is offered before folder %j was read", (folder) => {
  const read = Object.fromEntries(["", "private", "public"].filter((each) => each !== folder).map((each) => [each, []]));
  expect(shown(read)).toBe("");
});
