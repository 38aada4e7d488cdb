import type { StartService } from "#kit/lifecycle.ts";

/** Everything that can run, by name; loaded only when it is asked for. */
export const services = {
  supervisor: async () => (await import("./supervisor/start.ts")).start,
  keys: async () => (await import("./supervisor/make-keys.ts")).start,
  manager: async () => (await import("./manager/start.ts")).start,
  worker: async () => (await import("./worker/start.ts")).start,
  orchestrator: async () => (await import("./orchestrator/start.ts")).start,
  ftp: async () => (await import("./ftp/start.ts")).start,
  shell: async () => (await import("./shell/start.ts")).start,
  router: async () => (await import("./router/start.ts")).start,
} as const satisfies Record<string, () => Promise<StartService>>;

export type ServiceName = keyof typeof services;

/** Whether there is a service of this name. */
export function isServiceName(name: string): name is ServiceName {
  return Object.hasOwn(services, name);
}
