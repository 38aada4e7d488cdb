import { useMutation, useQuery } from "@tanstack/react-query";
import { purgeCache, readCache } from "#contract/api/cache.ts";
import type { PurgeRequest } from "#contract/site-cache.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";
import { queryClient } from "./query-client.ts";

const cacheKey = (name: string) => [...siteKey(name), "cache"];
const everyMs = 15_000;

/** What the routers keep of a site. */
export function useCache(name: string, isOn: boolean) {
  return useQuery({
    queryKey: cacheKey(name),
    queryFn: async ({ signal }) => (await api.call(readCache, { params: { name }, signal })).cache,
    enabled: isOn,
    refetchInterval: everyMs,
  });
}

export function usePurgeCache(name: string) {
  return useMutation({
    mutationFn: (body: PurgeRequest) => api.call(purgeCache, { params: { name }, body }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: cacheKey(name) }),
  });
}
