import type { SiteRuntime } from "../site-runtime.ts";

const names = ["node", "python3", "php", "ruby", "perl", "bash"];
/** A line for each that is there: its name and what it says of its version. */
const command = `for name in ${names.join(" ")}; do command -v "$name" >/dev/null 2>&1 && echo "$name $("$name" --version 2>&1 | head -n 2 | tr '\\n' ' ')"; done; true`;

/** Name → version of the interpreters of the default image, asked in a container of it; none where none can be started. */
export async function imageInterpreters(runtime: SiteRuntime): Promise<Readonly<Record<string, string>>> {
  let printed = "";
  try {
    const run = await runtime.run({
      run: "interpreters",
      place: { kind: "home", timeZone: "UTC" },
      command: { kind: "command", command },
      arguments: [],
      environment: {},
      limits: { cpu: 1, memoryBytes: 256_000_000, pids: 64 },
      onOutput: (_stream, chunk) => {
        printed += Buffer.from(chunk).toString();
        return undefined;
      },
    });
    await run.exited;
  } catch {
    return {}; // why nothing can be started stands in the capabilities
  }
  return versionsIn(printed);
}

/** `node v24.1.0` → { node: "24.1.0" } */
export function versionsIn(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").map((line) => /^(\w+) .*?(\d+(?:\.\d+)+)/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match === null ? [] : [[match[1] ?? "", match[2] ?? ""]])));
}
