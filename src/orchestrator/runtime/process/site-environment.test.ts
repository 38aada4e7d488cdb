import { expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import { siteEnvironment } from "./site-environment.ts";

const plainSpec = {
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

it("gives a program its variables, and lets none of them replace the platform's", () => {
  expect(siteEnvironment(plainSpec, { host: "0.0.0.0", port: 8080, home: "/site/.home", path: "/usr/bin" })).toEqual({
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

it("tells a program with a database where that is, whatever the site's own variables say", () => {
  const database = { name: "site_7", username: "site_7", password: "secret" };
  const environment = { DIRECTOR_DATABASE_PASSWORD: "wrong" };
  const spec = { ...plainSpec, environment, database };
  const place = { host: "0.0.0.0", port: 8080, home: "/site/.home", path: "/usr/bin" };
  expect(siteEnvironment(spec, { ...place, databaseHost: "/run/postgresql" })).toMatchObject({
    DATABASE_URL: "postgresql://site_7:secret@localhost/site_7?host=/run/postgresql",
    DIRECTOR_DATABASE_HOST: "/run/postgresql",
    DIRECTOR_DATABASE_PASSWORD: "secret",
  });
  expect(siteEnvironment({ ...spec, environment: {}, database: null }, { ...place, databaseHost: "/run/postgresql" })).not.toHaveProperty("DATABASE_URL");
  expect(siteEnvironment({ ...spec, environment: {} }, place)).not.toHaveProperty("DATABASE_URL");
});
