// A process that places a deployment and ends itself without warning before a given step; see src/orchestrator/deployments/deployments.service.test.ts.
import { flushCompileCache } from "node:module";
import { defaultSiteLimits } from "#contract/site.ts";
import { steadyClock, systemClock } from "#kit/clock.ts";
import { silentLog } from "#kit/log.ts";
import { Deployments } from "#orchestrator/deployments/deployments.ts";
import { QuotaBook } from "#orchestrator/files/quota-book.ts";

const [site = "", state = "", uploadId = "", dieAt = "0"] = process.argv.slice(2);
// One that is killed would leave nothing of what it has compiled.
flushCompileCache();
const spec = {
  siteId: 1,
  name: "one",
  kind: "static",
  availability: "enabled",
  limits: defaultSiteLimits,
  environment: {},
  timeZone: "UTC",
  canRunTwice: true,
  egress: "none",
  database: null,
  isTrusted: false,
  revision: 1,
} as const;
const sites = { folderOf: () => site, specOf: () => spec, ownerOf: () => null };
const quota = new QuotaBook({ sites, clock: steadyClock, reservedBytes: 0 });
let step = 0;
const deployments = new Deployments({
  sites,
  quota,
  clock: systemClock,
  log: silentLog(),
  stateFolder: () => state,
  checkpoint: () => {
    if (step === Number(dieAt)) process.kill(process.pid, "SIGKILL");
    step += 1;
  },
});
await deployments.place(1, uploadId);
process.stdout.write("done\n");
