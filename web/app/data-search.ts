import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { searchFiles } from "#contract/api/files.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";

export interface SiteSearch {
  readonly query: string;
  readonly regex: boolean;
  readonly case: boolean;
  readonly word: boolean;
  readonly all: boolean;
}

/** Lines of the site's text files that hold what is searched for. */
export function useSiteSearch(site: string, search: SiteSearch) {
  return useQuery({
    queryKey: [...siteKey(site), "search", search],
    queryFn: ({ signal }) => api.call(searchFiles, { params: { name: site }, query: { ...search }, signal }),
    enabled: search.query !== "",
    placeholderData: keepPreviousData,
    // What is found is of the moment it was asked for; asking again is a key press away.
    staleTime: 0,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
  });
}
