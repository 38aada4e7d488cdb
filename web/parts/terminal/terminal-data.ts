import { useMutation, useQuery } from "@tanstack/react-query";
import { closeTerminal, listTerminals, openTerminal } from "#contract/api/terminals.ts";
import { api } from "../../app/api.ts";
import { siteKey } from "../../app/data-sites.ts";

/** A size to begin with; the page tells the real one as soon as it knows. */
const firstSize = { cols: 80, rows: 24 } as const;

/** The terminals that were open when the page came; what happens to them from then on their sockets tell. */
export function useTerminals(site: string, isWanted: boolean) {
  return useQuery({
    queryKey: [...siteKey(site), "terminals"],
    queryFn: ({ signal }) => listOpen(site, signal),
    enabled: isWanted,
    refetchOnWindowFocus: false,
    // Others may have been opened or closed by another page since.
    gcTime: 0,
  });
}

export async function listOpen(site: string, signal?: AbortSignal) {
  return (await api.call(listTerminals, { params: { name: site }, ...(signal === undefined ? {} : { signal }) })).terminals;
}

export function useOpenTerminal(site: string) {
  return useMutation({
    mutationFn: async () => (await api.call(openTerminal, { params: { name: site }, body: { size: firstSize } })).terminal,
  });
}

export async function endTerminal(site: string, terminal: string): Promise<void> {
  await api.call(closeTerminal, { params: { name: site, terminal } });
}
