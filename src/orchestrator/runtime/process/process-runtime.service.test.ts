import { describe } from "vitest";
import { titled, whyNoNetworks, whyNoSandbox } from "../../../../test/support/needs.ts";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { siteRuntimeSuite } from "../../../../test/support/site-runtime-suite.ts";

const noNetworks = whyNoNetworks();
const noSandbox = whyNoSandbox();

describe.skipIf(noNetworks !== null)(titled("over veth pairs", noNetworks), () => {
  siteRuntimeSuite("the process runtime", async () => processRuntimeHarness({ mode: "veth" }));
});

describe.skipIf(noSandbox !== null)(titled("behind relays", noSandbox), () => {
  siteRuntimeSuite("the process runtime", async () => processRuntimeHarness({ mode: "relay" }));
});

describe.skipIf(noSandbox !== null)(titled("behind relays of Node", noSandbox), () => {
  siteRuntimeSuite("the process runtime", async () => processRuntimeHarness({ mode: "relay", hasSocat: false }));
});

describe("without isolation", () => {
  siteRuntimeSuite("the process runtime", async () => {
    const harness = processRuntimeHarness({ mode: "plain" });
    return { ...harness, site: (siteId, behaviour, given) => harness.site(siteId, behaviour, { ...given, isTrusted: true }) };
  });
});
