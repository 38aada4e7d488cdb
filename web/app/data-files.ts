import { hashKey, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { changePath, downloadArchive, folderListing, readFile, readUsage, writeFile } from "#contract/api/files.ts";
import { pathOf } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";
import { parentOf, sortEntries } from "./paths.ts";
import { queryClient } from "./query-client.ts";

const filesKey = (site: string) => [...siteKey(site), "files"];
const paramsOf = (site: string, path: string) => ({ name: site, "*": path });

/** What a folder holds, folders first. */
export const folderQuery = (site: string, folder: string) =>
  queryOptions({
    queryKey: [...filesKey(site), "folder", folder],
    queryFn: async ({ signal }) => {
      const response = await api.fetch(readFile, { params: paramsOf(site, folder === "" ? "" : `${folder}/`), signal });
      const { entries, truncated = false } = folderListing.parse(await response.json());
      return { entries: sortEntries(entries), isTruncated: truncated };
    },
  });

export function useFolder(site: string, folder: string) {
  return useQuery(folderQuery(site, folder));
}

/** Listings that are asked for once more as soon as the answer that is on its way is there, by the hash of their keys. */
const waiting = new Map<string, Promise<void>>();

/**
 * Reads one folder's listing again where it is shown. One on its way is let come to its end and asked for once more after it, however often it
 * changes meanwhile: a program that writes all the time would otherwise keep a slow line from ever showing one.
 */
export function refreshFolder(site: string, folder: string): Promise<void> {
  const { queryKey } = folderQuery(site, folder);
  const filter = { queryKey, exact: true };
  if (queryClient.isFetching(filter) === 0) return queryClient.invalidateQueries(filter);
  const hash = hashKey(queryKey);
  const known = waiting.get(hash);
  if (known !== undefined) return known;
  // Joins the one that is under way.
  const refreshed = queryClient.refetchQueries(filter, { cancelRefetch: false }).then(() => {
    waiting.delete(hash);
    return queryClient.invalidateQueries(filter);
  });
  waiting.set(hash, refreshed);
  return refreshed;
}

/** After any change of files: listings and usage are read again. Open editors keep what they show. */
export function refreshFiles(site: string): Promise<unknown> {
  return Promise.all([
    queryClient.invalidateQueries({ queryKey: [...filesKey(site), "folder"] }),
    queryClient.invalidateQueries({ queryKey: [...siteKey(site), "usage"] }),
  ]);
}

export interface FileContent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The sha256 of the bytes as an entity tag; null when the manager gave none. */
  readonly etag: string | null;
}

export async function fetchFile(site: string, path: string, signal?: AbortSignal): Promise<FileContent> {
  const response = await api.fetch(readFile, { params: paramsOf(site, path), ...(signal === undefined ? {} : { signal }) });
  return { bytes: new Uint8Array(await response.arrayBuffer()), etag: response.headers.get("etag") };
}

/** Saves a file. `etag` is the version it is based on; null means that it must not exist yet. Gives the new version's tag. */
export async function saveFile(site: string, path: string, content: FileContent): Promise<string | null> {
  const guard: Record<string, string> = content.etag === null ? { "if-none-match": "*" } : { "if-match": content.etag };
  const response = await api.fetch(writeFile, { params: paramsOf(site, path), body: content.bytes, headers: guard });
  await response.body?.cancel();
  void refreshFolder(site, parentOf(path));
  void queryClient.invalidateQueries({ queryKey: [...siteKey(site), "usage"] });
  return response.headers.get("etag") ?? (await fetchFile(site, path)).etag;
}

export function useMakeFolder(site: string) {
  return useMutation({
    mutationFn: (path: string) => api.call(changePath, { params: paramsOf(site, path), body: { mkdir: true } }),
    onSuccess: () => refreshFiles(site),
  });
}

export function useMakeFile(site: string) {
  return useMutation({
    mutationFn: async (path: string) => {
      await saveFile(site, path, { bytes: new Uint8Array(), etag: null }).catch((error: unknown) => {
        // The guard's own words speak of a change; here something simply has that name.
        throw error instanceof Failure && error.code === "file_changed" ? new Failure("file_exists", { path }, { cause: error }) : error;
      });
    },
    // Folders on the way may be new too.
    onSuccess: () => refreshFiles(site),
  });
}

export async function copyPath(site: string, from: string, to: string): Promise<void> {
  await api.call(changePath, { params: paramsOf(site, from), body: { copy: to } });
  await refreshFiles(site);
}

export async function movePath(site: string, from: string, to: string): Promise<void> {
  await api.call(changePath, { params: paramsOf(site, from), body: { move: to } });
  await refreshFiles(site);
}

export function useSetExecutable(site: string) {
  return useMutation({
    mutationFn: ({ path, executable }: { path: string; executable: boolean }) => api.call(changePath, { params: paramsOf(site, path), body: { executable } }),
    onSuccess: () => refreshFiles(site),
  });
}

export function useUsage(site: string) {
  return useQuery({ queryKey: [...siteKey(site), "usage"], queryFn: ({ signal }) => api.call(readUsage, { params: { name: site }, signal }) });
}

/** Addresses that the browser downloads from by itself. */
export function fileAddress(site: string, path: string): string {
  return pathOf(readFile, { params: paramsOf(site, path) });
}
export function archiveAddress(site: string, folder: string): string {
  return pathOf(downloadArchive, { params: { name: site }, query: folder === "" ? {} : { path: folder } });
}
