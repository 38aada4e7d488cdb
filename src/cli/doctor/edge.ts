import type { Check } from "./check.ts";
import { type Trial, tryProgram } from "./try-program.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the map fed over a socket needs. */
const oldestHaproxy = [2, 6] as const;

/** What meets visitors first, the router itself or programs that have to be here; and whether these are here. */
export async function checkEdge(environment: Environment): Promise<readonly Check[]> {
  const edge = environment.BACKLOT_EDGE || "embedded";
  const isUsed = edge === "haproxy";
  const [haproxy, nginx] = await Promise.all([
    tryProgram(environment.BACKLOT_HAPROXY || "haproxy", ["-v"]),
    tryProgram(environment.BACKLOT_NGINX || "nginx", ["-v"]),
  ]);
  const first = isUsed ? "visitors' connections come to HAProxy, and files from nginx" : "visitors' connections come to the router itself";
  return [
    { name: "edge", state: "info", detail: `${edge}: ${first}` },
    checkHaproxy(haproxy, isUsed),
    program({ name: "nginx", trial: nginx, isUsed, install: "Install nginx, or leave BACKLOT_EDGE out." }),
  ];
}

function checkHaproxy(trial: Trial, isUsed: boolean): Check {
  const install = "Install haproxy (2.6 or later), or leave BACKLOT_EDGE out.";
  const check = program({ name: "haproxy", trial, isUsed, install });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(trial.firstLine) ?? [];
  const isOld = check.state === "ok" && major !== undefined && (Number(major) - oldestHaproxy[0] || Number(minor) - oldestHaproxy[1]) < 0;
  return isOld ? { ...check, state: "missing", detail: `${check.detail} is too old`, advice: install } : check;
}

function program(asked: { readonly name: string; readonly trial: Trial; readonly isUsed: boolean; readonly install: string }): Check {
  const { name, trial, isUsed, install } = asked;
  // "HAProxy version 2.6.12-1 2023/12/16 - https://haproxy.org/" and "nginx version: nginx/1.22.1".
  const found = trial.firstLine.replace(/^nginx version: /, "").replace(/ \d{4}\/.*$| - http.*$/, "");
  if (!isUsed) return { name, state: "info", detail: trial.isFine ? `not used; ${found} is installed` : "not used, and not installed" };
  if (trial.isFine) return { name, state: "ok", detail: found };
  return {
    name,
    state: "missing",
    detail: `BACKLOT_EDGE is haproxy, and ${name} ${trial.isThere ? `does not run: ${found}` : "is not installed"}`,
    advice: install,
  };
}
