// The supervisor with small children, as a process of its own: tests kill it.
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ConfigError } from "#kit/config.ts";
import { silentLog } from "#kit/log.ts";
import { startSupervisor } from "#supervisor/start.ts";

const children = {
  control: [
    z.object({ BACKLOT_DATA: z.string(), DATABASE_URL: z.string(), BACKLOT_CLUSTER_KEY_FILE: z.string(), BACKLOT_ADMIN_PASSWORD: z.string().optional() }),
  ],
  orchestrator: [z.object({ BACKLOT_DATA: z.string(), BACKLOT_COMPONENT_KEY_FILE: z.string(), BACKLOT_ORCHESTRATOR_PORT: z.string() })],
  router: [
    z.object({ BACKLOT_DATA: z.string(), BACKLOT_COMPONENT_KEY_FILE: z.string(), BACKLOT_ROUTER_PORT: z.string(), BACKLOT_ROUTER_ADMIN_PORT: z.string() }),
  ],
};
const stopping = new AbortController();

try {
  const running = await startSupervisor(
    { environment: process.env, log: silentLog(), signal: stopping.signal },
    { entry: fileURLToPath(new URL("./fake-child.ts", import.meta.url)), schemas: children, print: (line) => process.send?.({ printed: line }) },
  );
  process.on("message", () => void running.stop().then(() => process.exit(0)));
  process.send?.({ ready: running.notices, doors: running.doors });
} catch (error) {
  process.send?.({ refused: error instanceof ConfigError ? error.problems : [String(error)] });
  process.exit(2);
}
