import ignore from "ignore";

/** Says of a path below the deployed folder (`a/b.txt`) whether it stays behind. */
export type IgnoreRules = (path: string, isFolder: boolean) => boolean;

/** What nobody means to deploy; `--include NAME` takes one back. */
export const ignoredByDefault = [".git", ".hg", ".svn", "node_modules", ".DS_Store", ".backlotignore"] as const;

/** Reads rules as git does on Linux (gitignore(5)): the last rule that matches decides, and nothing inside an ignored folder can be kept. */
export function parseIgnoreRules(text: string, included: readonly string[] = []): IgnoreRules {
  const rules = ignore({ ignoreCase: false })
    .add(ignoredByDefault.filter((name) => !included.includes(name)))
    .add(text)
    .add(included.map((name) => `!${name}`));
  return (path, isFolder) => rules.ignores(isFolder ? `${path}/` : path);
}
