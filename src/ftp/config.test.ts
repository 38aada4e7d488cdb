import { describe, expect, test } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { configSchema, rulesOf } from "./config.ts";

const required = { BACKLOT_FTP_KEY_FILE: "k", BACKLOT_MANAGER_URL: "http://127.0.0.1:1", BACKLOT_ORCHESTRATOR_URL: "http://127.0.0.1:2" };
const rules = (given: Readonly<Record<string, string>>) => rulesOf(configSchema.parse({ ...required, ...given }));
const problemsOf = (given: Readonly<Record<string, string>>): readonly string[] => {
  try {
    rules(given);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe("the settings of FTP", () => {
  test("are the original's limits unless others are given", () => {
    const config = configSchema.parse(required);
    expect([config.BACKLOT_FTP_CONNECTIONS, config.BACKLOT_FTP_CONNECTIONS_PER_ADDRESS]).toEqual([256, 5]);
    expect(rulesOf(config)).toEqual({
      requiresTls: false,
      requiresSessionReuse: false,
      attempts: 3,
      failureDelayMs: 3_000,
      signInMs: 60_000,
      idleMs: 300_000,
      passivePorts: null,
      masqueradeAddress: null,
      banner: "Backlot FTP: sign in with your user name, or NAME/SITE.",
    });
  });

  test.each([
    ["127.0.0.1", false],
    ["127.3.2.1", false],
    ["localhost", false],
    ["::1", false],
    ["0.0.0.0", true],
    ["::", true],
    ["192.0.2.1", true],
    ["2001:db8::1", true],
  ])("require TLS where more than this machine reaches it: %s", (host, requiresTls) => {
    expect(rules({ BACKLOT_FTP_HOST: host }).requiresTls).toBe(requiresTls);
    expect(rules({ BACKLOT_HOST: host }).requiresTls).toBe(requiresTls);
    expect(rules({ BACKLOT_HOST: host, BACKLOT_FTP_ALLOW_PLAIN: "true" }).requiresTls).toBe(false);
  });

  test("let the demo account be on this machine only, whatever else is allowed", () => {
    const demo = { BACKLOT_FTP_DEMO_ACCOUNT: "ftp:ftp", BACKLOT_FTP_ALLOW_PLAIN: "true" };
    expect(problemsOf({ ...demo, BACKLOT_FTP_HOST: "0.0.0.0" })).toEqual([expect.stringMatching(/^BACKLOT_FTP_DEMO_ACCOUNT: it is for this machine only/)]);
    expect(rules(demo).banner).toBe("Hello! Welcome to the remote-executor app.");
  });

  test("name ports and certificates that are none", () => {
    expect(rules({ BACKLOT_FTP_PASSIVE_PORTS: "50000-50100" }).passivePorts).toEqual({ first: 50_000, last: 50_100 });
    for (const range of ["1000-2000", "50100-50000", "60000-70000"])
      expect(problemsOf({ BACKLOT_FTP_PASSIVE_PORTS: range })).toEqual([expect.stringMatching(/^BACKLOT_FTP_PASSIVE_PORTS/)]);
    expect(problemsOf({ BACKLOT_FTP_CERTIFICATE: "c.pem" })).toEqual([expect.stringMatching(/^BACKLOT_FTP_CERTIFICATE/)]);
  });
});
