import { useMutation, useQuery } from "@tanstack/react-query";
import { forgetNode, listNodes, updateNode } from "#contract/api/nodes.ts";
import { api } from "./api.ts";
import { queryClient } from "./query-client.ts";

/** Heartbeats come every two seconds; a page that is looked at is as new. */
const everyMs = 3_000;

/** Every process that reported lately. */
export function useNodes(isWanted: boolean) {
  return useQuery({
    queryKey: ["nodes"],
    queryFn: async ({ signal }) => (await api.call(listNodes, { signal })).nodes,
    refetchInterval: everyMs,
    enabled: isWanted,
  });
}

export function useDrainNode() {
  return useMutation({
    mutationFn: ({ id, drained }: { id: string; drained: boolean }) => api.call(updateNode, { params: { id }, body: { drained } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["nodes"] }),
  });
}

export function useForgetNode() {
  return useMutation({
    mutationFn: (id: string) => api.call(forgetNode, { params: { id } }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ["nodes"] }),
  });
}
