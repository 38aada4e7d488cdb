import type { Check } from "./check.ts";
import { tryProgram } from "./try-program.ts";

/** What meets visitors first: the router itself, or programs that have to be here. */
export async function checkEdge(environment: Readonly<Record<string, string | undefined>>): Promise<Check> {
  const name = "edge";
  const edge = environment.BACKLOT_EDGE || "embedded";
  if (edge !== "haproxy") return { name, state: "info", detail: `${edge}: visitors' connections come to the router itself` };
  const [haproxy, nginx] = await Promise.all([
    tryProgram(environment.BACKLOT_HAPROXY || "haproxy", ["-v"]),
    tryProgram(environment.BACKLOT_NGINX || "nginx", ["-v"]),
  ]);
  const missing = [...(haproxy.isFine ? [] : ["HAProxy"]), ...(nginx.isFine ? [] : ["nginx"])].join(" and ");
  if (missing !== "") {
    return {
      name,
      state: "missing",
      detail: `BACKLOT_EDGE is haproxy, and ${missing} cannot be run`,
      advice: "Install haproxy (2.6 or later) and nginx, or leave BACKLOT_EDGE out.",
    };
  }
  return { name, state: "ok", detail: `haproxy: ${haproxy.firstLine.replace(/ - http.*$/, "")}, ${nginx.firstLine}` };
}
