import { useMutation, useQuery } from "@tanstack/react-query";
import { changePath, downloadArchive, type FolderEntry, folderListing, readFile, readUsage, writeFile } from "#contract/api/files.ts";
import { pathOf } from "#contract/client.ts";
import { Failure } from "#contract/failure.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";
import { baseOf, joinPath, parentOf, sortEntries } from "./paths.ts";
import { queryClient } from "./query-client.ts";

const filesKey = (site: string) => [...siteKey(site), "files"];
const paramsOf = (site: string, path: string) => ({ name: site, "*": path });

/** What a folder holds, folders first. */
export function useFolder(site: string, folder: string) {
  return useQuery({
    queryKey: [...filesKey(site), "folder", folder],
    queryFn: async ({ signal }) => {
      const response = await api.fetch(readFile, { params: paramsOf(site, folder === "" ? "" : `${folder}/`), signal });
      const { entries, truncated = false } = folderListing.parse(await response.json());
      return { entries: sortEntries(entries), isTruncated: truncated };
    },
  });
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

const unlistedFile = (name: string): FolderEntry => ({ name, type: "file", size: 0, modifiedAt: new Date(0).toISOString(), executable: false });

/** The folder entry of one file: its size decides whether it is opened at all. */
export function useFileEntry(site: string, path: string) {
  const folder = useFolder(site, parentOf(path));
  const listed = folder.data?.entries.find((entry) => joinPath(parentOf(path), entry.name) === path);
  // In a folder that is too large to be listed whole the file may be there all the same: reading it tells.
  const assumed = folder.data?.isTruncated === true ? unlistedFile(baseOf(path)) : undefined;
  return { ...folder, entry: listed ?? assumed };
}

export function useFile(site: string, path: string, isWanted: boolean) {
  return useQuery({
    queryKey: [...filesKey(site), "content", path],
    queryFn: ({ signal }) => fetchFile(site, path, signal),
    enabled: isWanted,
    // What is being edited must not change under the fingers; saving finds out about others' changes.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

/** Saves a file. `etag` is the version it is based on; null means that it must not exist yet. Gives the new version's tag. */
export async function saveFile(site: string, path: string, content: FileContent): Promise<string | null> {
  const guard: Record<string, string> = content.etag === null ? { "if-none-match": "*" } : { "if-match": content.etag };
  const response = await api.fetch(writeFile, { params: paramsOf(site, path), body: content.bytes, headers: guard });
  await response.body?.cancel();
  void refreshFiles(site);
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
  });
}

export function useMovePath(site: string) {
  return useMutation({
    mutationFn: ({ from, to }: { from: string; to: string }) => api.call(changePath, { params: paramsOf(site, from), body: { move: to } }),
    onSuccess: () => refreshFiles(site),
  });
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
