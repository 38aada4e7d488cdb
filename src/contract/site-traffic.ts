import { z } from "zod";

/** How far back a series goes: the last hour by the minute, the last day and the last week by the hour. */
export const trafficRanges = ["hour", "day", "week"] as const;
export const trafficRange = z.enum(trafficRanges);
export type TrafficRange = z.output<typeof trafficRange>;

/** What one point of each range stands for, and how many there are. */
export const trafficSteps: Readonly<Record<TrafficRange, { readonly stepSeconds: number; readonly points: number }>> = {
  hour: { stepSeconds: 60, points: 60 },
  day: { stepSeconds: 3600, points: 24 },
  week: { stepSeconds: 3600, points: 168 },
};

/** What a site's visitors asked for in one minute or hour. */
export const trafficPoint = z.object({
  /** When it began, in milliseconds since 1970. */
  start: z.int(),
  requests: z.int(),
  /** Answers with a status of 500 or more. */
  errors: z.int(),
  /** Bytes of all answers, headers included. */
  bytes: z.int(),
  /** Requests answered from the page cache. */
  hits: z.int(),
  /** Requests answered from the page cache by a page past its time. */
  stale: z.int(),
  /** Requests for which the page cache had nothing. */
  misses: z.int(),
});
export type TrafficPoint = z.output<typeof trafficPoint>;

/** What is added up in a point. */
export const trafficFields = ["requests", "errors", "bytes", "hits", "stale", "misses"] as const;
export type TrafficField = (typeof trafficFields)[number];
