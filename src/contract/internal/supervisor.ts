import { z } from "zod";

/** What a supervised process asks its supervisor for, over Node's channel between parent and child: the server of sites' databases, started if need be. */
export const siteServerRequest = z.object({ type: z.literal("site-server"), id: z.int().nonnegative() });

/** The supervisor's answer: the administrator's address of the server, or why there is none. */
export const siteServerAnswer = z.object({
  type: z.literal("site-server"),
  id: z.int().nonnegative(),
  result: z.union([z.object({ url: z.string() }), z.object({ problem: z.string() })]),
});
export type SiteServerAnswer = z.output<typeof siteServerAnswer>;
