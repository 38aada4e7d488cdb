import type { NodeState } from "#contract/api/nodes.ts";
import type { Node } from "./node.ts";

/** How a node is, in a word and in a sentence. */
export interface NodeVerdict {
  readonly state: NodeState;
  readonly explanation: string;
}

/** What else decides how a node is. */
export interface NodeFacts {
  readonly lostMs: number;
  /** Sites that it is responsible for. */
  readonly sites: number;
  /** Its sites can go elsewhere: another orchestrator that is up shares its files. */
  readonly canGiveAway: boolean;
}

/** Judges a node by its last heartbeat. */
export function judgeNode(node: Node, facts: NodeFacts): NodeVerdict {
  if (node.silentMs > facts.lostMs) return { state: "lost", explanation: lostWords(node, facts) };
  const { sites } = facts;
  const trouble = node.report?.trouble;
  if (!node.isDrained && trouble !== undefined) return { state: "unhealthy", explanation: unhealthyWords(trouble, facts) };
  if (!node.isDrained) return { state: "up", explanation: upWords(node) };
  if (sites === 0) return { state: "drained", explanation: "It takes no sites and has none: it can be stopped." };
  if (facts.canGiveAway) return { state: "draining", explanation: `${count(sites)} still to move to other machines.` };
  return { state: "drained", explanation: `It takes no new sites. ${count(sites)} stay: no other machine that is up has their files.` };
}

function upWords(node: Node): string {
  const missing = node.report?.missing ?? [];
  if (node.report !== null && !node.report.isolates) return `It answers, but cannot keep sites apart: ${missing.join("; ")}.`;
  return "It answers.";
}

function unhealthyWords(trouble: string, { sites, canGiveAway }: NodeFacts): string {
  const words = `It answers, but can start no program, so it gets no new sites. ${/[.!?]$/.test(trouble) ? trouble : `${trouble}.`}`;
  if (sites === 0) return words;
  const remedy = canGiveAway ? "; draining it moves them to other machines" : "";
  return `${words} ${count(sites)} wait${sites === 1 ? "s" : ""} for it, but for what still runs${remedy}.`;
}

function lostWords(node: Node, { sites, canGiveAway }: NodeFacts): string {
  const silence = `Nothing was heard of it for ${inWords(node.silentMs)}.`;
  if (node.kind !== "orchestrator" || sites === 0) return silence;
  if (canGiveAway) return `${silence} ${count(sites)} move to other machines.`;
  return `${silence} ${count(sites)} wait for it: no other machine that is up has their files.`;
}

function count(sites: number): string {
  return sites === 1 ? "1 site" : `${sites} sites`;
}

function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
