import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { readTraffic } from "#contract/api/traffic.ts";
import type { TrafficRange } from "#contract/site-traffic.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";

/** The newest point grows while one looks; an hour's less quickly. */
const everyMs: Readonly<Record<TrafficRange, number>> = { hour: 10_000, day: 60_000, week: 60_000 };

/** What a site's visitors asked for, minute by minute or hour by hour. */
export function useTraffic(name: string, range: TrafficRange) {
  return useQuery({
    queryKey: [...siteKey(name), "traffic", range],
    queryFn: async ({ signal }) => (await api.call(readTraffic, { params: { name }, query: { range }, signal })).traffic,
    placeholderData: keepPreviousData,
    refetchInterval: everyMs[range],
  });
}
