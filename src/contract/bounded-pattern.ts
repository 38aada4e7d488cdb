// Patterns come from people (a file beside a script), and values from others. The engine's own matcher can take hours for a few characters
// (`(a+)+$`), in the manager and in the browser; this one goes through sets of places instead, and gives up after a fixed number of steps.

/** Longest value that is compared with a pattern, in characters. */
export const maxPatternValue = 2000;
/** Steps before a comparison is given up: a few milliseconds. */
const maxSteps = 200_000;
/** Longest counted repetition: `x{1000}`. */
const maxCount = 1000;

/** A regular expression that has to match a whole value. */
export type BoundedPattern =
  | { readonly kind: "pattern"; readonly matches: (text: string) => boolean | "too-complicated" }
  | { readonly kind: "unusable"; readonly reason: string };

type Node =
  | { readonly kind: "one"; readonly test: (character: string) => boolean }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly options: readonly Node[] }
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number };

/**
 * Reads a regular expression (JavaScript's, with the flag u) for matching whole values in bounded time. Groups, classes, `|` and repetitions are
 * there; look-around, `\b` and references to groups are not.
 */
export function boundedPattern(source: string): BoundedPattern {
  try {
    // The engine judges the syntax, so that what follows may take it for granted; nothing is matched with it.
    new RegExp(source, "u");
  } catch (error) {
    return { kind: "unusable", reason: error instanceof Error ? error.message : String(error) };
  }
  try {
    const reader = new PatternReader([...source.replace(/^\^/, "").replace(/(?<=(?:^|[^\\])(?:\\\\)*)\$$/, "")]);
    const root = reader.read();
    return { kind: "pattern", matches: (text) => matchesWhole(root, text) };
  } catch (error) {
    if (error instanceof UnusablePattern) return { kind: "unusable", reason: error.message };
    throw error;
  }
}

class UnusablePattern extends Error {}

class PatternReader {
  readonly #source: readonly string[];
  #at = 0;

  constructor(source: readonly string[]) {
    this.#source = source;
  }

  read(): Node {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw new UnusablePattern(`${this.#source[this.#at]} stands alone`);
    return node;
  }

  #choice(): Node {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: "choice", options };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    for (let next = this.#source[this.#at]; next !== undefined && next !== "|" && next !== ")"; next = this.#source[this.#at]) {
      parts.push(this.#repeated(this.#atom(next)));
    }
    return { kind: "sequence", parts };
  }

  #atom(first: string): Node {
    this.#at += 1;
    if (first === "(") return this.#group();
    if (first === "^" || first === "$") throw new UnusablePattern(`${first} can stand only at the ends: the whole value is compared`);
    let text = first;
    if (first === "\\") text += this.#escape();
    if (first === "[") text += this.#class();
    const one = new RegExp(`^${text}$`, "u");
    return { kind: "one", test: (character) => one.test(character) };
  }

  #group(): Node {
    if (this.#take("?")) {
      if (this.#take("<")) {
        if (this.#source[this.#at] === "=" || this.#source[this.#at] === "!") throw new UnusablePattern("look-around is not possible here");
        while (!this.#take(">")) this.#at += 1;
      } else if (!this.#take(":")) throw new UnusablePattern("look-around and modifiers are not possible here");
    }
    const body = this.#choice();
    this.#at += 1;
    return body;
  }

  #escape(): string {
    const next = this.#source[this.#at++] ?? "";
    if (/[bB]/.test(next)) throw new UnusablePattern(`\\${next} is not possible here`);
    if (/[1-9k]/.test(next)) throw new UnusablePattern("references to groups are not possible here");
    if (this.#source[this.#at] === "{" && /[pPu]/.test(next)) return next + this.#until("}");
    const length = { x: 2, u: 4, c: 1 }[next] ?? 0;
    this.#at += length;
    return next + this.#source.slice(this.#at - length, this.#at).join("");
  }

  #class(): string {
    let text = "";
    while (this.#source[this.#at] !== "]") {
      text += this.#source[this.#at];
      if (this.#source[this.#at] === "\\") text += this.#source[++this.#at];
      this.#at += 1;
    }
    this.#at += 1;
    return `${text}]`;
  }

  #repeated(body: Node): Node {
    const bounds = this.#bounds();
    if (bounds === undefined) return body;
    // Lazy or not: only whether the whole matches is asked.
    this.#take("?");
    return { kind: "repeat", body, ...bounds };
  }

  #bounds(): { readonly min: number; readonly max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (this.#source[this.#at] !== "{") return undefined;
    const [min = "0", max] = this.#until("}").slice(1, -1).split(",");
    const bounds = { min: Number(min), max: max === undefined ? Number(min) : max === "" ? Number.POSITIVE_INFINITY : Number(max) };
    if (bounds.min > maxCount || (Number.isFinite(bounds.max) && bounds.max > maxCount)) throw new UnusablePattern(`more than ${maxCount} repetitions`);
    return bounds;
  }

  #until(end: string): string {
    const from = this.#at;
    while (this.#source[this.#at] !== end) this.#at += 1;
    this.#at += 1;
    return this.#source.slice(from, this.#at).join("");
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}

type Places = ReadonlySet<number>;

class OutOfSteps extends Error {}

function matchesWhole(root: Node, text: string): boolean | "too-complicated" {
  const characters = [...text];
  if (characters.length > maxPatternValue) return "too-complicated";
  let left = maxSteps;
  const spend = (steps: number): void => {
    left -= steps;
    if (left < 0) throw new OutOfSteps();
  };
  /** All places where a match that begins at one of `from` can end. */
  const ends = (node: Node, from: Places): Places => {
    spend(from.size + 1);
    switch (node.kind) {
      case "one":
        return new Set([...from].flatMap((at) => (at < characters.length && node.test(characters[at] ?? "") ? [at + 1] : [])));
      case "sequence":
        return node.parts.reduce<Places>((places, part) => (places.size === 0 ? places : ends(part, places)), from);
      case "choice":
        return new Set(node.options.flatMap((option) => [...ends(option, from)]));
      case "repeat":
        return repeated(node, from);
    }
  };
  const repeated = (node: Extract<Node, { kind: "repeat" }>, from: Places): Places => {
    let places = from;
    for (let count = 0; count < node.min && places.size > 0; count += 1) places = ends(node.body, places);
    const all = new Set(places);
    for (let count = node.min; count < node.max && places.size > 0; count += 1) {
      // Only from places that are new: every other way was gone already.
      places = new Set([...ends(node.body, places)].filter((at) => !all.has(at)));
      for (const at of places) all.add(at);
    }
    return all;
  };
  try {
    return ends(root, new Set([0])).has(characters.length);
  } catch (error) {
    if (error instanceof OutOfSteps) return "too-complicated";
    throw error;
  }
}
