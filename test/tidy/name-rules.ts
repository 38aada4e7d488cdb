const forbidden = /^(utils?|helpers?|common|misc|types?|index)$/;
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Migrations are ordered by number: 0001-foundation.ts. */
const suffixes = /(\.(service|e2e|fixture))?(\.test)?(\.config)?\.tsx?$/;

/** Source files are named for what they hold, in kebab-case; a name that says nothing is refused. */
export function misnamed(paths: readonly string[]): readonly string[] {
  return paths
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"))
    .flatMap((path) => {
      const parts = path.split("/");
      const name = (parts.at(-1) ?? "").replace(suffixes, "");
      if (forbidden.test(name)) return [`${path}: "${name}" says nothing about what is in it`];
      if (parts.slice(0, -1).some((part) => forbidden.test(part))) return [`${path}: its folder's name says nothing about what is in it`];
      return [...parts.slice(0, -1), name].every((part) => kebab.test(part)) ? [] : [`${path} is not in kebab-case`];
    });
}

/** Every decision has a number of four digits, and no other has the same. */
export function misnumbered(files: readonly string[]): readonly string[] {
  const numbers = files.map((file) => /^(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md$/.exec(file)?.[1]);
  return files.flatMap((file, index) => {
    if (numbers[index] === undefined) return [`docs/decisions/${file} is not named NNNN-what-was-decided.md`];
    return numbers.indexOf(numbers[index]) === index ? [] : [`docs/decisions/${file}: another decision has this number`];
  });
}
