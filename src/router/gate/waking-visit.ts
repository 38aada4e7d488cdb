import { isbot } from "isbot";
import { Failure } from "#contract/failure.ts";

/** What of a request decides whether it wakes a sleeping site. */
export interface VisitFacts {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly userAgent: string | undefined;
  /** `Sec-Purpose` or `Purpose`: a browser that only guesses where its user goes next says `prefetch`. */
  readonly purpose: string | undefined;
}

// isbot also calls these bots: programs that a person starts, and browsers that a test drives.
const tools =
  /^(?:curl|wget|node|undici|node-fetch|axios|got|python|aiohttp|httpx|httpie|postmanruntime|insomnia|go-http-client|okhttp|java|ruby|autocannon|wrk|hey|apachebench|k6|backlot)\b|HeadlessChrome|selenium|playwright|cypress/i;
const probes = new Set(["/favicon.ico", "/robots.txt", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png", "/ads.txt", "/sitemap.xml"]);

/** Whether a crawler, a monitor or a preview fetcher asks, going by what it says of itself. */
export function isCrawler(userAgent: string | undefined): boolean {
  return userAgent !== undefined && userAgent !== "" && isbot(userAgent) && !tools.test(userAgent);
}

/** Whether a request is a visit: it wakes a sleeping site, and keeps one awake. Pure. */
export function isVisit(facts: VisitFacts, botsWake: boolean): boolean {
  if (botsWake) return true;
  if (facts.method === "HEAD" || probes.has(facts.path)) return false;
  if (facts.purpose !== undefined && /\bprefetch\b|\bprerender\b/i.test(facts.purpose)) return false;
  return !isCrawler(facts.userAgent);
}

/** What those are told whose request is no visit: whoever looks for itself comes back much later. */
export function asleepFailure(): Failure {
  return new Failure("site_asleep", { retryAfterSeconds: 3600 });
}
