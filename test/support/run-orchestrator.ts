// Runs an orchestrator as a process of its own, for tests that kill it. Prints its address when its doors are open.
import { flushCompileCache } from "node:module";
import { silentLog } from "#kit/log.ts";
import { start } from "#orchestrator/start.ts";

const running = await start(process.env, silentLog());
process.stdout.write(`${running.doors.orchestrator}\n`);
// One that is killed would leave nothing of it.
flushCompileCache();
process.on("SIGTERM", () => void running.stop().then(() => process.exit(0)));
