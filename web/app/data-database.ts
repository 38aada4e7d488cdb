import { useMutation, useQuery } from "@tanstack/react-query";
import { addDatabase, changeDatabasePassword, deleteDatabase, readDatabase, type SiteDatabaseView } from "#contract/api/database.ts";
import { api } from "./api.ts";
import { siteKey } from "./data-sites.ts";
import { trackOperation } from "./operations.ts";
import { queryClient } from "./query-client.ts";

const databaseKey = (name: string) => [...siteKey(name), "database"];
const changes = { add: addDatabase, password: changeDatabasePassword, delete: deleteDatabase } as const;
export type DatabaseChange = keyof typeof changes;

const underWayMs = 2_000;
const measuredMs = 30_000;

/** Null when the site has none. */
export function useDatabase(name: string) {
  return useQuery<SiteDatabaseView | null>({
    queryKey: databaseKey(name),
    queryFn: async ({ signal }) => (await api.call(readDatabase, { params: { name }, signal })).database,
    refetchInterval: ({ state: { data } }) => (data?.state === "adding" || data?.state === "deleting" ? underWayMs : measuredMs),
  });
}

export function useChangeDatabase(name: string) {
  return useMutation({
    mutationFn: async (change: DatabaseChange) => (await api.call(changes[change], { params: { name } })).operation,
    onSuccess: (operation) => {
      trackOperation(operation);
      return queryClient.invalidateQueries({ queryKey: databaseKey(name) });
    },
  });
}
