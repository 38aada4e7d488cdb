import { describe, expect, it } from "vitest";
import { z } from "zod";
import { renderReference } from "../scripts/config-reference.ts";

const schema = z.object({
  BACKLOT_PORT: z.coerce.number().int().default(8000).describe("The port"),
  DATABASE_URL: z.string().describe("The database").meta({ secret: true }),
  BACKLOT_MANAGER_URL: z.url().describe("The manager"),
});

describe("the reference of settings", () => {
  it("names each setting once, with everybody who reads it", () => {
    const other = z.object({
      BACKLOT_PORT: z.coerce.number().int().default(8000).describe("Said otherwise"),
      BACKLOT_EXTRA: z.stringbool().default(false).describe("More"),
    });
    const { markdown, envExample } = renderReference([
      { process: "supervisor", schema },
      { process: "router", schema: other },
    ]);
    expect(markdown.split("\n").filter((line) => line.startsWith("| `"))).toEqual([
      "| `BACKLOT_PORT` | `8000` | supervisor, router | The port |",
      "| `DATABASE_URL` | *required* | supervisor | The database (secret) |",
      "| `BACKLOT_EXTRA` | `false` | router | More |",
      "| `BACKLOT_MANAGER_URL` | *required* | supervisor | The manager |",
    ]);
    expect(envExample).toContain("# The port\n#BACKLOT_PORT=8000\n");
    expect(envExample).not.toContain("BACKLOT_MANAGER_URL");
  });

  it("names what a setting was called in the original, and what has no effect", () => {
    const { markdown, envExample } = renderReference(
      [{ process: "supervisor", schema }],
      [
        { name: "WEB_PORT", becomes: "BACKLOT_PORT", description: "The port" },
        { name: "TABLE", becomes: null, description: "No effect: a|b" },
      ],
    );
    expect(markdown).toContain("| `WEB_PORT` | `BACKLOT_PORT` | The port |\n| `TABLE` |  | No effect: a\\|b |\n");
    expect(envExample).toContain("#   WEB_PORT sets BACKLOT_PORT\n#   TABLE (no effect)\n");
  });

  it("is refused when processes mean different things by one name, or somebody did not say what", () => {
    const other = z.object({ BACKLOT_PORT: z.coerce.number().int().default(9000).describe("The port") });
    const both = [
      { process: "manager", schema },
      { process: "router", schema: other },
    ];
    expect(() => renderReference(both)).toThrow("BACKLOT_PORT is 8000 by default in manager but 9000 in router");
    expect(() => renderReference([{ process: "router", schema: z.object({ X: z.string() }) }])).toThrow("X of router has no description");
    const secret = z.object({ X: z.string().default("hunter2").describe("X").meta({ secret: true }) });
    expect(() => renderReference([{ process: "router", schema: secret }])).toThrow("X of router is a secret and has a default");
  });
});
