import { expect, test } from "vitest";
import { siteDatabaseHost, siteDatabaseName, siteDatabaseVariables } from "./site-database.ts";

test("a program finds its database under the names of the original, and by one address", () => {
  const name = siteDatabaseName(12);
  expect(siteDatabaseVariables({ name, username: name, password: "s3cret_-" }, siteDatabaseHost)).toEqual({
    DATABASE_URL: "postgresql://site_12:s3cret_-@localhost/site_12?host=/run/postgresql",
    DIRECTOR_DATABASE_URL: "postgresql://site_12:s3cret_-@localhost/site_12?host=/run/postgresql",
    DIRECTOR_DATABASE_TYPE: "postgres",
    DIRECTOR_DATABASE_HOST: "/run/postgresql",
    DIRECTOR_DATABASE_PORT: "5432",
    DIRECTOR_DATABASE_NAME: "site_12",
    DIRECTOR_DATABASE_USERNAME: "site_12",
    DIRECTOR_DATABASE_PASSWORD: "s3cret_-",
  });
});

test("a folder with a blank or a question mark in its name does not break the address", () => {
  const { DATABASE_URL: url = "" } = siteDatabaseVariables({ name: "site_1", username: "site_1", password: "p" }, "/srv/a b?c/run");
  expect(new URL(url).searchParams.get("host")).toBe("/srv/a b?c/run");
});
