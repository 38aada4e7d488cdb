import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { FileVersion } from "#contract/api/files.ts";
import { type Bench, BenchContext } from "./bench-context.ts";
import { DeletedFiles } from "./deleted-files.tsx";

const version: FileVersion = {
  id: "1",
  path: "public/lost.html",
  sha256: "",
  size: 5,
  executable: false,
  modifiedAt: "2026-01-01T00:00:00.000Z",
  savedBy: null,
  endedAt: "2026-01-02T00:00:00.000Z",
  ended: "delete",
  endedBy: null,
};

/** The list as it is shown when the last attempt to read it has failed, after it was read once or never. */
function shownAfterFailure(versions: readonly FileVersion[] | null): string {
  const client = new QueryClient({ defaultOptions: { queries: { retryOnMount: false } } });
  const query = client.getQueryCache().build(client, { queryKey: ["site", "shop", "history", "deleted", ""] });
  if (versions !== null) query.setData({ versions, truncated: false });
  query.setState({ status: "error", error: new Error("refused") });
  // All that the list asks of the page that it stands in.
  const bench = { site: { name: "shop" }, mayWrite: true } as Bench;
  return renderToStaticMarkup(
    <QueryClientProvider client={client}>
      <BenchContext value={bench}>
        <DeletedFiles folder="" onClose={() => undefined} />
      </BenchContext>
    </QueryClientProvider>,
  );
}

test("deleted files that were read stay where they can be brought back, beside what went wrong since", () => {
  const shown = shownAfterFailure([version]);
  expect(shown).toContain('role="alert"');
  expect(shown).toContain("Bring back public/lost.html");
  expect(shownAfterFailure([])).toContain("Nothing that was deleted is kept");
});

test("where they were never read, what went wrong is all there is", () => {
  const shown = shownAfterFailure(null);
  expect(shown).toContain('role="alert"');
  expect(shown).not.toContain("loading");
});
