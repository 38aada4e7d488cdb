import { z } from "zod";

/** What a supervised process tells its supervisor, over Node's channel between parent and child, as soon as its doors are open. */
export const childMessage = z.object({
  type: z.literal("ready"),
  doors: z.record(z.string(), z.string()),
  notices: z.array(z.string()),
});
export type ChildMessage = z.output<typeof childMessage>;

/** The exit code of a process whose settings are not usable: starting it again would change nothing. */
export const unusableSettingsExitCode = 2;
