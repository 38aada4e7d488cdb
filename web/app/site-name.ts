import { isSiteName } from "#contract/site.ts";

/**
 * What is wrong with a site or user name while it is typed, as one sentence; null when nothing is.
 * Reserved and taken names are known only to the manager.
 */
export function nameProblem(name: string, noun: "site" | "user" = "site"): string | null {
  const what = `A ${noun} name`;
  if (name === "") return `${what} is needed.`;
  if (/[A-Z]/.test(name)) return "Use lower-case letters only.";
  const strange = /[^a-z0-9-]/u.exec(name);
  if (strange)
    return strange[0].trim() === ""
      ? "Spaces are not allowed; use a dash instead."
      : `“${[...name.slice(strange.index)][0]}” is not allowed; use letters a–z, digits and dashes.`;
  if (!/^[a-z]/.test(name)) return `${what} starts with a letter.`;
  if (name.includes("--")) return "Two dashes in a row are not allowed.";
  if (name.length > 32) return `${what} has at most 32 characters; this has ${name.length}.`;
  if (name.endsWith("-")) return `${what} cannot end with a dash.`;
  if (name.length < 2) return `${what} has at least 2 characters.`;
  return isSiteName(name) ? null : `${what} has 2 to 32 lower-case letters, digits and single inner dashes.`;
}

/** What is wrong with a new password; null when nothing is. */
export function passwordProblem(password: string): string | null {
  if (password.length < 8) return "A password has at least 8 characters.";
  if (password.length > 200) return "A password has at most 200 characters.";
  return null;
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** What is wrong with the name of an environment variable; null when nothing is. */
export function variableProblem(name: string, others: readonly string[], reserved: readonly string[]): string | null {
  if (name === "") return "Give the variable a name.";
  if (!variableName.test(name)) return "Use letters, digits and underscores; do not start with a digit.";
  if (reserved.includes(name) || name.startsWith("DIRECTOR_")) return `${name} is set by Backlot itself.`;
  if (others.includes(name)) return `There are two variables called ${name}.`;
  return null;
}
