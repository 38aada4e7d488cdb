import { Redis } from "ioredis";
import { z } from "zod";
import { ConfigError, parseConfig } from "#kit/config.ts";
import type { Check } from "./check.ts";

const tryMs = 3_000;
const advice = "Each router keeps answers in its own memory meanwhile. Check REDIS_URL, and that Redis runs.";

/** The Redis by which routers share kept pages: one that was given, or none. The address is not shown: it may hold a password. */
export async function checkRedis(environment: Readonly<Record<string, string | undefined>>): Promise<Check> {
  const name = "redis";
  let redis: Redis | undefined;
  let reason: Error | undefined;
  try {
    const { REDIS_URL: url } = parseConfig(z.object({ REDIS_URL: z.string().optional() }), environment);
    if (url === undefined) return { name, state: "info", detail: "not used: each router keeps pages in its own memory" };
    redis = new Redis(url, {
      protocol: 2,
      lazyConnect: true,
      connectTimeout: tryMs,
      commandTimeout: tryMs,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    redis.on("error", (error) => {
      reason ??= error;
    });
    await redis.connect();
    const version = /redis_version:(\S+)/.exec(await redis.info("server"))?.[1] ?? "of an unknown version";
    return { name, state: "ok", detail: `REDIS_URL names Redis ${version}, which lets us in` };
  } catch (error) {
    const cause = reason ?? error;
    const words = cause instanceof ConfigError ? cause.problems.join("; ") : cause instanceof Error ? cause.message : String(cause);
    return { name, state: "limited", detail: `REDIS_URL is set, but: ${words}`, advice };
  } finally {
    redis?.disconnect();
  }
}
