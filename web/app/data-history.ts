import { useQuery } from "@tanstack/react-query";
import { type FileVersion, listDeleted, listHistory, readVersion, restoreVersion } from "#contract/api/files.ts";
import { pathOf } from "#contract/client.ts";
import { api } from "./api.ts";
import { refreshFiles } from "./data-files.ts";
import { siteKey } from "./data-sites.ts";
import { queryClient } from "./query-client.ts";

const historyKey = (site: string) => [...siteKey(site), "history"];

/** Earlier versions of a file, newest first; what it holds now is not among them. */
export function useHistory(site: string, path: string) {
  return useQuery({
    queryKey: [...historyKey(site), "of", path],
    queryFn: ({ signal }) => api.call(listHistory, { params: { name: site, "*": path }, signal }),
  });
}

/** Deleted files below a folder that can be had back, newest first. */
export function useDeleted(site: string, folder: string, isWanted: boolean) {
  return useQuery({
    queryKey: [...historyKey(site), "deleted", folder],
    queryFn: ({ signal }) => api.call(listDeleted, { params: { name: site }, query: { path: folder }, signal }),
    enabled: isWanted,
  });
}

export function fetchDeleted(site: string, folder: string) {
  return api.call(listDeleted, { params: { name: site }, query: { path: folder } });
}

export async function fetchHistory(site: string, path: string): Promise<readonly FileVersion[]> {
  return (await api.call(listHistory, { params: { name: site, "*": path } })).versions;
}

export async function fetchVersion(site: string, version: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await api.fetch(readVersion, { params: { name: site, version }, ...(signal === undefined ? {} : { signal }) });
  return new Uint8Array(await response.arrayBuffer());
}

/** The bytes of a version: they never change. */
export function useVersion(site: string, version: string | null) {
  return useQuery({
    queryKey: [...historyKey(site), "bytes", version],
    queryFn: ({ signal }) => fetchVersion(site, version ?? "", signal),
    enabled: version !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
}

/** Writes a version to a path. `base` is the version that it replaces; null means that nothing may be there. */
export async function restore(site: string, version: FileVersion, to: { readonly path: string; readonly base: string | null }): Promise<void> {
  const guard: Record<string, string> = to.base === null ? { "if-none-match": "*" } : { "if-match": to.base };
  const response = await api.fetch(restoreVersion, { params: { name: site, "*": to.path }, body: { restore: version.id }, headers: guard });
  await response.body?.cancel();
  void refreshFiles(site);
  void refreshHistory(site);
}

export function refreshHistory(site: string): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: historyKey(site), predicate: ({ queryKey }) => !queryKey.includes("bytes") });
}

/** Where the browser downloads a version from by itself. */
export function versionAddress(site: string, version: string): string {
  return pathOf(readVersion, { params: { name: site, version }, query: { download: true } });
}
