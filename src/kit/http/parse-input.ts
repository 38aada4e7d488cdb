import type { z } from "zod";
import { Failure } from "#contract/failure.ts";

/** What came from outside, by its schema; `{}` where there is none. @throws {Failure} `input_invalid` */
export function parseInput(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return {};
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.length === 0 ? "the body" : issue.path.join(".")}: ${issue.message}`);
  throw new Failure("input_invalid", { detail: `${detail.join("; ")}.` }, { cause: parsed.error });
}
