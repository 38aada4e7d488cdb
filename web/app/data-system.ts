import { useQuery } from "@tanstack/react-query";
import { readSystem } from "#contract/api/system.ts";
import type { ResultOf } from "#contract/endpoint.ts";
import { api } from "./api.ts";

export type System = ResultOf<typeof readSystem>;

/** What this installation offers. */
export function useSystem() {
  return useQuery({ queryKey: ["system"], queryFn: ({ signal }) => api.call(readSystem, { signal }), staleTime: 60_000 });
}

/** The address that a site of this name will have. */
export function addressOf(pattern: string, name: string): string {
  return pattern.replace("{name}", name);
}
