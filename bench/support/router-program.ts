// The router under measurement, with 10,000 routes of which two are used: `static.localhost` and `app.localhost`.
import { aRoute, putFile, startRouter } from "../../test/support/router-harness.ts";
import { announceBenchChild } from "./bench-child.ts";

const upstream = new URL(process.argv[2] ?? "");
const others = Array.from({ length: 9_998 }, (_, index) => aRoute({ siteId: index + 10, name: `site-${index}` }));
const used = [aRoute({ siteId: 1, name: "static", kind: "static" }), aRoute({ siteId: 2, name: "app", idleSeconds: 3600 })];
const router = await startRouter({ routes: [...used, ...others], environment: { BACKLOT_ROUTER_SWEEP_MS: "250" } });
await putFile(router, 1, "public/file.txt", "x".repeat(1024));
router.orchestrator.onWake = () => ({ address: { host: upstream.hostname, port: Number(upstream.port) }, instance: "only" });
announceBenchChild(router.door);
