// Runs an orchestrator as a process of its own, for tests that kill it. Prints its address when its doors are open.
import { silentLog } from "#kit/log.ts";
import { start } from "#orchestrator/start.ts";

const running = await start(process.env, silentLog());
process.stdout.write(`${running.doors.orchestrator}\n`);
process.on("SIGTERM", () => void running.stop().then(() => process.exit(0)));
