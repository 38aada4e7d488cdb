import type { z } from "zod";

/**
 * The settings of every process, by the name of its service: what the supervisor passes on to a child, and what the reference documents.
 * Each `<process>/config.ts` exports `configSchema`, an object schema whose keys are names of environment variables and whose fields
 * carry `.describe()`, a default unless they are secrets, and `.meta({ secret: true })` when they are.
 */
export const serviceConfigs = {
  supervisor: async () => (await import("./supervisor/config.ts")).configSchema,
  keys: async () => (await import("./supervisor/keys-config.ts")).configSchema,
  manager: async () => (await import("./manager/config.ts")).configSchema,
  worker: async () => (await import("./worker/config.ts")).configSchema,
  orchestrator: async () => (await import("./orchestrator/config.ts")).configSchema,
  ftp: async () => (await import("./ftp/config.ts")).configSchema,
  shell: async () => (await import("./shell/config.ts")).configSchema,
  router: async () => (await import("./router/config.ts")).configSchema,
} as const satisfies Record<string, () => Promise<z.ZodObject>>;
