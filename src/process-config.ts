import { z } from "zod";

/** Settings that main.ts itself reads, the same for every process. */
export const configSchema = z.object({
  BACKLOT_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .optional()
    .describe("The least level of what is logged: `info`, or on a terminal, where a person reads, `warn`"),
  BACKLOT_LOG_FOLDER: z
    .string()
    .optional()
    .describe("A folder in which every process also keeps its log, one rotated file per process (10 files of 10 MB); without it the log goes to stdout only"),
  BACKLOT_PROCESSES: z
    .string()
    .optional()
    .describe("What runs in this process, comma separated (`manager,worker`), instead of everything on this machine; the same as `backlot run manager,worker`"),
});
