import { type InfiniteData, keepPreviousData, mutationOptions, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import {
  createSite,
  deleteSite,
  listSiteAudit,
  listSites,
  readEnvironment,
  readSite,
  restartSite,
  sleepSite,
  updateSite,
  wakeSite,
  writeEnvironment,
} from "#contract/api/sites.ts";
import type { SiteView } from "#contract/api/views.ts";
import type { BodyInputOf, ResultOf } from "#contract/endpoint.ts";
import type { SiteStatus } from "#contract/site.ts";
import { api, hasCode } from "./api.ts";
import type { SavedEnvironment } from "./environment-draft.ts";
import { trackOperation } from "./operations.ts";
import { queryClient } from "./query-client.ts";

type SitePage = ResultOf<typeof listSites>;
export type SiteAction = "restart" | "sleep" | "wake";
export type SiteChange = BodyInputOf<typeof updateSite>;

const pageSize = 24;
const actions = { restart: restartSite, sleep: sleepSite, wake: wakeSite } as const;

export function useSites({ search, all }: { search: string; all: boolean }) {
  return useInfiniteQuery({
    queryKey: ["sites", { search, all }],
    queryFn: ({ pageParam, signal }) =>
      api.call(listSites, {
        query: { limit: pageSize, ...(search === "" ? {} : { search }), ...(all ? { all: true } : {}), ...(pageParam === null ? {} : { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (last: SitePage) => last.next,
    placeholderData: keepPreviousData,
    // Events tell of states; a site that someone else made or renamed shows up by asking again.
    refetchInterval: 30_000,
  });
}

export const siteKey = (name: string) => ["site", name] as const;

export function useSite(name: string) {
  return useQuery({ queryKey: siteKey(name), queryFn: async ({ signal }) => (await api.call(readSite, { params: { name }, signal })).site });
}

/** Whether the person may do this to the site; false while the site is still on its way. */
export function may(site: SiteView | undefined, verb: SiteView["you"]["may"][number]): boolean {
  return site?.you.may.includes(verb) === true;
}

/** Puts a state that the manager reported into everything that shows the site. */
export function applyStatus(name: string, status: SiteStatus): void {
  const patched = (site: SiteView): SiteView => (site.name === name ? { ...site, state: status.state, status } : site);
  queryClient.setQueryData<SiteView>(siteKey(name), (site) => (site === undefined ? site : patched(site)));
  queryClient.setQueriesData<InfiniteData<SitePage>>({ queryKey: ["sites"] }, (data) =>
    data === undefined ? data : { ...data, pages: data.pages.map((page) => ({ ...page, sites: page.sites.map(patched) })) },
  );
}

export function useCreateSite() {
  return useMutation({
    mutationFn: (body: BodyInputOf<typeof createSite>) => api.call(createSite, { body }),
    onSuccess: ({ site, operation }) => {
      queryClient.setQueryData(siteKey(site.name), site);
      // The create page shows the steps itself.
      trackOperation(operation, { isShown: false });
    },
  });
}

export function useSiteAction(name: string) {
  return useMutation({
    mutationFn: async (action: SiteAction) => (await api.call(actions[action], { params: { name } })).operation,
    onSuccess: (operation) => trackOperation(operation),
  });
}

const cancelSite = (name: string): Promise<void> => queryClient.cancelQueries({ queryKey: siteKey(name), exact: true });

export const siteUpdate = (name: string) =>
  mutationOptions({
    mutationFn: (body: SiteChange) => api.call(updateSite, { params: { name }, body }),
    onSuccess: async ({ site, operation }) => {
      // What was asked before, or while it was being saved, would otherwise come after what is saved now.
      await Promise.all([cancelSite(name), cancelSite(site.name)]);
      queryClient.setQueryData(siteKey(site.name), site);
      if (site.name !== name) takeEnvironment(name, site.name);
      void queryClient.invalidateQueries({ queryKey: ["sites"] });
      if (operation !== null) trackOperation(operation);
    },
  });

export function useUpdateSite(name: string) {
  return useMutation(siteUpdate(name));
}

export function useDeleteSite(name: string) {
  return useMutation({
    mutationFn: async () => (await api.call(deleteSite, { params: { name } })).operation,
    onSuccess: (operation) => trackOperation(operation),
  });
}

const environmentKey = (name: string) => [...siteKey(name), "environment"];

/** The variables go with the site to its new name: a form of them goes on, and keeps what is typed there. */
function takeEnvironment(from: string, to: string): void {
  const held = queryClient.getQueryState<SavedEnvironment>(environmentKey(from));
  if (held?.data !== undefined) queryClient.setQueryData(environmentKey(to), held.data, { updatedAt: held.dataUpdatedAt });
}

export function useEnvironment(name: string) {
  return useQuery({
    queryKey: environmentKey(name),
    queryFn: async ({ signal }): Promise<SavedEnvironment> => {
      const response = await api.fetch(readEnvironment, { params: { name }, signal });
      return { ...readEnvironment.result.parse(await response.json()), version: response.headers.get("etag") };
    },
  });
}

/** Replaces the variables by `environment` as long as they are those of `version`; otherwise says so, and reads them again. */
export function useWriteEnvironment(name: string) {
  return useMutation({
    // What was asked before would otherwise come after what is saved now.
    onMutate: () => queryClient.cancelQueries({ queryKey: environmentKey(name) }),
    mutationFn: async ({ environment, version }: SavedEnvironment) => {
      const headers: Record<string, string> = version === null ? {} : { "if-match": version };
      const response = await api.fetch(writeEnvironment, { params: { name }, body: { environment }, headers });
      const { operation } = writeEnvironment.result.parse(await response.json());
      return { operation, saved: { environment, version: response.headers.get("etag") } };
    },
    onSuccess: ({ operation, saved }) => {
      queryClient.setQueryData<SavedEnvironment>(environmentKey(name), saved);
      if (operation !== null) trackOperation(operation);
    },
    onError: (error) => {
      if (hasCode(error, "environment_changed")) void queryClient.invalidateQueries({ queryKey: environmentKey(name) });
    },
  });
}

export function useSiteAudit(name: string, isWanted: boolean) {
  return useQuery({
    queryKey: [...siteKey(name), "audit"],
    queryFn: async ({ signal }) => (await api.call(listSiteAudit, { params: { name }, query: { limit: 20 }, signal })).entries,
    enabled: isWanted,
  });
}
