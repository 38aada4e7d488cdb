import { useMutation, useQuery } from "@tanstack/react-query";
import { createKey, deleteKey, listKeys, readSshDoor } from "#contract/api/keys.ts";
import type { BodyInputOf, ResultOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";
import { queryClient } from "./query-client.ts";

export type NewKey = BodyInputOf<typeof createKey>;
export type Key = ResultOf<typeof listKeys>["keys"][number];

export function useKeys() {
  return useQuery({ queryKey: ["keys"], queryFn: async ({ signal }) => (await api.call(listKeys, { signal })).keys });
}

/** Where SSH answers; null where it does not. */
export function useSshDoor() {
  return useQuery({ queryKey: ["ssh"], queryFn: async ({ signal }) => (await api.call(readSshDoor, { signal })).ssh, staleTime: 60_000 });
}

export function useCreateKey() {
  return useMutation({
    mutationFn: (body: NewKey) => api.call(createKey, { body }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["keys"] }),
  });
}

export function useDeleteKey() {
  return useMutation({
    mutationFn: (id: string) => api.call(deleteKey, { params: { id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["keys"] }),
  });
}
