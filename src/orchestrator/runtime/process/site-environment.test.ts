import { expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import { siteEnvironment } from "./site-environment.ts";

it("gives a program its variables, and lets none of them replace the platform's", () => {
  const spec = {
    siteId: 7,
    name: "chess",
    kind: "dynamic",
    availability: "enabled",
    limits: defaultSiteLimits,
    environment: { GREETING: "hi", LANG: "de_DE.UTF-8", PORT: "1" },
    timeZone: "Europe/Berlin",
    canRunTwice: true,
    egress: "none",
    database: null,
    isTrusted: false,
    revision: 1,
  } as const;
  expect(siteEnvironment(spec, { host: "0.0.0.0", port: 8080, home: "/site/.home", path: "/usr/bin" })).toEqual({
    GREETING: "hi",
    LANG: "de_DE.UTF-8",
    PORT: "8080",
    HOST: "0.0.0.0",
    TZ: "Europe/Berlin",
    HOME: "/site/.home",
    PATH: "/usr/bin",
    USER: "site",
  });
});
