import { readSystem } from "#contract/api/system.ts";
import { Failure } from "#contract/failure.ts";
import type { Session } from "../session.ts";
import type { Check } from "./check.ts";

/** The running server: whether it answers, and what it says of its own isolation. */
export async function checkServer(session: Session): Promise<readonly Check[]> {
  const { url, from } = session.server;
  const name = "server";
  const ready = await askReady(url);
  if (ready === undefined) return [{ name, state: "info", detail: `nothing answers at ${url} (from ${from}); \`npm start\` starts one` }];
  const answers: Check = ready.isReady
    ? { name, state: "ok", detail: `${url} is ready` }
    : { name, state: "limited", detail: `${url} is not ready: ${ready.reason}`, advice: "Wait a few seconds; its log says what it waits for." };
  if (session.token === undefined)
    return [answers, { name: "sign-in", state: "info", detail: "nobody; sign in by `backlot login` to see what the server says of itself" }];
  try {
    const system = await session.client.call(readSystem, {});
    const { isolates, missing } = system.isolation;
    const offered = system.starters.map((starter) => (starter.missing.length === 0 ? starter.name : `${starter.name} (lacks ${starter.missing.join(", ")})`));
    return [
      answers,
      isolates
        ? { name: "server isolation", state: "ok", detail: "sites are kept apart" }
        : {
            name: "server isolation",
            state: "limited",
            detail: missing.join("; ") || "sites are not kept apart",
            advice: "Install what is missing on the server's machine.",
          },
      system.egress.isAvailable && system.egress.notes.length === 0
        ? { name: "server egress", state: "ok", detail: "sites can be let out into the internet" }
        : {
            name: "server egress",
            state: "limited",
            detail: system.egress.notes.join(" ") || "sites cannot be let out into the internet",
            advice: "It matters only to sites that administrators let out; see docs/decisions/0004-egress.md.",
          },
      { name: "starters", state: "info", detail: offered.join(", ") || "none" },
    ];
  } catch (error) {
    if (error instanceof Failure) return [answers, { name: "sign-in", state: "limited", detail: error.message, advice: "Sign in again by `backlot login`." }];
    const advice = "See what listens at that address, or name another server by --server.";
    return [answers, { name: "sign-in", state: "limited", detail: `${url} does not answer as Backlot does`, advice }];
  }
}

async function askReady(url: string): Promise<{ readonly isReady: boolean; readonly reason: string } | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3000) });
    return { isReady: response.ok, reason: (await response.text()).trim().slice(0, 200) };
  } catch {
    // Refused, cut or too slow: whatever is there does not answer.
    return undefined;
  }
}
