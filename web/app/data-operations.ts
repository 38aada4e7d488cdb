import { useInfiniteQuery } from "@tanstack/react-query";
import { listSiteOperations } from "#contract/api/operations.ts";
import type { ResultOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";

type Page = ResultOf<typeof listSiteOperations>;

/** What was done to a site, newest first. */
export function useSiteOperations(name: string) {
  return useInfiniteQuery({
    queryKey: [...siteKey(name), "operations"],
    queryFn: ({ pageParam, signal }) =>
      api.call(listSiteOperations, { params: { name }, query: { limit: 10, ...(pageParam === null ? {} : { cursor: pageParam }) }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page) => last.next,
  });
}
