import { expect, test } from "vitest";
import { node, nodeReport } from "../../../test/support/node-builders.ts";
import { judgeNode } from "./judge-node.ts";

const facts = { lostMs: 10_000, sites: 3, canGiveAway: true };

test.each([
  ["one that answers", node(), facts, "up", "It answers."],
  [
    "one that answers and cannot isolate",
    node({ report: nodeReport({ isolates: false, missing: ["bubblewrap is not installed"] }) }),
    facts,
    "up",
    "It answers, but cannot keep sites apart: bubblewrap is not installed.",
  ],
  [
    "a silent one whose sites go elsewhere",
    node({ silentMs: 61_000 }),
    facts,
    "lost",
    "Nothing was heard of it for 61 seconds. 3 sites move to other machines.",
  ],
  [
    "a silent one with the only copy",
    node({ silentMs: 3_600_000 * 3 }),
    { ...facts, sites: 1, canGiveAway: false },
    "lost",
    "Nothing was heard of it for 3 hours. 1 site wait for it: no other machine that is up has their files.",
  ],
  [
    "one whose engine is away",
    node({ report: nodeReport({ trouble: "The Docker engine at unix:///x does not answer: connect ENOENT" }) }),
    facts,
    "unhealthy",
    "It answers, but can start no program, so it gets no new sites. The Docker engine at unix:///x does not answer: connect ENOENT. 3 sites wait for it, but for what still runs; draining it moves them to other machines.",
  ],
  [
    "one whose engine is away and that is drained",
    node({ isDrained: true, report: nodeReport({ trouble: "It is away." }) }),
    facts,
    "draining",
    "3 sites still to move to other machines.",
  ],
  [
    "one whose engine is away with the only copy",
    node({ report: nodeReport({ trouble: "It is away." }) }),
    { ...facts, sites: 1, canGiveAway: false },
    "unhealthy",
    "It answers, but can start no program, so it gets no new sites. It is away. 1 site waits for it, but for what still runs.",
  ],
  ["a silent router", node({ kind: "router", silentMs: 20_000 }), { ...facts, sites: 0 }, "lost", "Nothing was heard of it for 20 seconds."],
  ["a drained one with sites", node({ isDrained: true }), facts, "draining", "3 sites still to move to other machines."],
  ["a drained one without", node({ isDrained: true }), { ...facts, sites: 0 }, "drained", "It takes no sites and has none: it can be stopped."],
  [
    "a drained one that cannot give them away",
    node({ isDrained: true }),
    { ...facts, canGiveAway: false },
    "drained",
    "It takes no new sites. 3 sites stay: no other machine that is up has their files.",
  ],
] as const)("%s is told so in words", (_name, subject, about, state, explanation) => {
  expect(judgeNode(subject, about)).toEqual({ state, explanation });
});
