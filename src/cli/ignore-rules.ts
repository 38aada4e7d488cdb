import { matchesGlob } from "node:path";

/** One line of a `.backlotignore`. */
interface Rule {
  readonly globs: readonly string[];
  readonly isFolderOnly: boolean;
  readonly isKept: boolean;
}

/** Says of a path below the deployed folder (`a/b.txt`) whether it stays behind. */
export type IgnoreRules = (path: string, isFolder: boolean) => boolean;

/** What nobody means to deploy; `--include NAME` takes one back. */
export const ignoredByDefault = [".git", ".hg", ".svn", "node_modules", ".DS_Store", ".backlotignore"] as const;

/**
 * Reads rules as git does (gitignore(5)): `#` starts a comment, `!` keeps what an earlier line ignored, a slash at the end means folders only, a
 * slash elsewhere ties the pattern to the folder, `*`, `?`, `[a-z]` and `**` match. The last rule that matches decides. As in git, nothing
 * inside an ignored folder can be kept, since the folder is never entered.
 */
export function parseIgnoreRules(text: string, included: readonly string[] = []): IgnoreRules {
  const defaults = ignoredByDefault.filter((name) => !included.includes(name)).map((name) => parseRule(name));
  const own = text.split(/\r?\n/).flatMap((line) => (line.trim() === "" || line.startsWith("#") ? [] : [parseRule(line)]));
  const taken = included.map((name) => parseRule(`!${name}`));
  const rules = [...defaults, ...own, ...taken];
  return (path, isFolder) => {
    const last = rules.findLast((rule) => (isFolder || !rule.isFolderOnly) && rule.globs.some((glob) => matchesGlob(path, glob)));
    return last !== undefined && !last.isKept;
  };
}

function parseRule(line: string): Rule {
  let pattern = line.replace(/(?<!\\)\s+$/, "");
  const isKept = pattern.startsWith("!");
  if (isKept) pattern = pattern.slice(1);
  const isFolderOnly = pattern.endsWith("/");
  if (isFolderOnly) pattern = pattern.slice(0, -1);
  const isTied = pattern.includes("/");
  if (pattern.startsWith("/")) pattern = pattern.slice(1);
  // A bare name counts at every depth; `**/x` alone would miss x at the top.
  return { globs: isTied ? [pattern] : [pattern, `**/${pattern}`], isFolderOnly, isKept };
}
