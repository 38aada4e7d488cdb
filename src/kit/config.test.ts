import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { ConfigError, givenProblems, parseConfig, port } from "./config.ts";

const schema = z.object({
  PORT: port.default(80),
  NAME: z.string(),
  TOKEN: z.string().optional().meta({ secret: true }),
});

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(schema, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "backlot-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "value"), text);
  return join(folder, "value");
}

describe("settings", () => {
  it("are parsed, with defaults, and empty counts as absent", () => {
    expect(parseConfig(schema, { NAME: "a", PORT: "", OTHER: "x" })).toEqual({ NAME: "a", PORT: 80 });
    expect(parseConfig(schema, { NAME: "a", PORT: "81" })).toEqual({ NAME: "a", PORT: 81 });
  });

  it("can stand in files, without the line's end", () => {
    expect(parseConfig(schema, { NAME: "a", TOKEN_FILE: fileWith("secret\n") })).toEqual({ NAME: "a", PORT: 80, TOKEN: "secret" });
  });

  it("are refused with all problems at once", () => {
    expect(problemsOf({ PORT: "70000", TOKEN_FILE: "/nowhere" })).toEqual([
      "TOKEN_FILE: the file /nowhere cannot be read",
      expect.stringMatching(/^PORT: /),
      expect.stringMatching(/^NAME: /),
    ]);
  });

  it("that are absent are no problem when only those given are looked at", () => {
    expect(givenProblems(schema, {})).toEqual([]);
    expect(givenProblems(schema, { PORT: "-1" })).toEqual([expect.stringMatching(/^PORT: /)]);
  });
});
