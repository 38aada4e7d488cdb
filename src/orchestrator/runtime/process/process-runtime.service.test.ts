import { describe } from "vitest";
import { processRuntimeHarness } from "../../../../test/support/process-runtime-harness.ts";
import { siteRuntimeSuite } from "../../../../test/support/site-runtime-suite.ts";
import { findProgram } from "./machine-programs.ts";

const isRoot = process.getuid?.() === 0;
const hasBubblewrap = findProgram("bwrap") !== null;
const hasNetworks = isRoot && hasBubblewrap && findProgram("nft") !== null && findProgram("ip") !== null;

describe.runIf(hasNetworks)("over veth pairs", () => {
  siteRuntimeSuite("the process runtime", async () => processRuntimeHarness({ mode: "veth" }));
});

describe.runIf(hasBubblewrap)("behind relays", () => {
  siteRuntimeSuite("the process runtime", async () => processRuntimeHarness({ mode: "relay" }));
});

describe.runIf(hasBubblewrap)("behind relays of Node", () => {
  siteRuntimeSuite("the process runtime", async () => processRuntimeHarness({ mode: "relay", hasSocat: false }));
});

describe("without isolation", () => {
  siteRuntimeSuite("the process runtime", async () => {
    const harness = processRuntimeHarness({ mode: "plain" });
    return { ...harness, site: (siteId, behaviour, given) => harness.site(siteId, behaviour, { ...given, isTrusted: true }) };
  });
});
