import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigError, port } from "#kit/config.ts";
import { readSettings } from "./settings.ts";

const routerSchema = z.object({ BACKLOT_ROUTER_PORT: port, BACKLOT_ROUTER_MS: z.coerce.number().int() });

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readSettings(environment, [routerSchema]);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("the settings of everything on one machine", () => {
  it("have defaults that stay on this machine", () => {
    expect(readSettings({}, [])).toEqual({
      BACKLOT_DATA: "./data",
      BACKLOT_HOST: "127.0.0.1",
      BACKLOT_PORT: 8000,
      BACKLOT_ROUTER_ADMIN_HOST: "127.0.0.1",
      BACKLOT_ROUTER_ADMIN_PORT: 0,
      BACKLOT_ROUTER_PORT: 8080,
      BACKLOT_FTP_PORT: 2121,
      BACKLOT_SSH_PORT: 2222,
      BACKLOT_SITES_DOMAIN: "localhost",
    });
  });

  it("are refused with every problem of every process at once, and each problem once", () => {
    expect(problemsOf({ BACKLOT_PORT: "many", BACKLOT_ROUTER_PORT: "70000", BACKLOT_ROUTER_MS: "soon", BACKLOT_PUBLIC_URL: "here" })).toEqual([
      expect.stringMatching(/^BACKLOT_PORT: /),
      expect.stringMatching(/^BACKLOT_ROUTER_PORT: /),
      expect.stringMatching(/^BACKLOT_PUBLIC_URL: /),
      expect.stringMatching(/^BACKLOT_ROUTER_MS: /),
    ]);
  });

  it.each([
    ["sites.example.org", "https://sites.example.org"],
    ["example.org", "https://dash.example.org"],
    ["Example.org", "https://example.org"],
  ])("are refused when the sites' domain %s is or contains the dashboard's host in %s", (domain, url) => {
    expect(problemsOf({ BACKLOT_SITES_DOMAIN: domain, BACKLOT_PUBLIC_URL: url })).toEqual([expect.stringContaining("give the sites a domain of their own")]);
  });

  it.each([
    ["sites.example.net", "https://example.org"],
    ["sites.example.org", "https://dash.example.org"],
    ["ample.org", "https://example.org"],
    ["localhost", "http://localhost:8000"],
  ])("take the sites' domain %s beside the dashboard at %s", (domain, url) => {
    expect(problemsOf({ BACKLOT_SITES_DOMAIN: domain, BACKLOT_PUBLIC_URL: url })).toEqual([]);
  });

  it("are refused when the sites' address pattern lies on the dashboard's host, or has no name in its host", () => {
    expect(problemsOf({ BACKLOT_SITES_URL_PATTERN: "https://{name}.example.org", BACKLOT_PUBLIC_URL: "https://example.org" })).toHaveLength(1);
    expect(problemsOf({ BACKLOT_SITES_URL_PATTERN: "https://example.org/{name}/" })).toHaveLength(1);
    expect(problemsOf({ BACKLOT_SITES_URL_PATTERN: "https://{name}.example.net/", BACKLOT_PUBLIC_URL: "https://example.org" })).toEqual([]);
  });
});
