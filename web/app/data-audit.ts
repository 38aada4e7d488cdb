import { useInfiniteQuery } from "@tanstack/react-query";
import { listAudit } from "#contract/api/accounts.ts";
import type { ResultOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";

type Page = ResultOf<typeof listAudit>;

export function useAudit() {
  return useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam, signal }) => api.call(listAudit, { query: pageParam === null ? {} : { cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: Page) => last.next,
  });
}
