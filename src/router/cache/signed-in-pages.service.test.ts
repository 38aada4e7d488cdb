// What visitors with cookies or authorisation share where the site says so (RFC 9111, section 3.5, and stricter).
import { expect, test } from "vitest";
import { stageCached as stage } from "../../../test/support/cached-stage.ts";

test.each([
  ["cookies", "cookie", "who="],
  ["authorisation", "authorization", "Bearer "],
])("where the site says so, visitors with %s share what is marked public, and only that", async (_, header, before) => {
  const as = (name: string) => ({ [header]: `${before}${name}` });
  await using site = await stage(
    (req, res, count) =>
      res.setHeader("Cache-Control", req.url === "/shared" ? "public, max-age=60" : "max-age=60").end(`page ${count} for ${req.headers[header]}`),
    { sharesSignedIn: true },
  );
  await site.get("/shared", as("ann"));
  expect((await site.get("/shared", as("bob"))).text).toBe(`page 1 for ${before}ann`);
  expect((await site.get("/own", as("ann"))).text).toBe(`page 2 for ${before}ann`);
  expect((await site.get("/own")).text).toBe("page 3 for undefined");
  expect((await site.get("/own", as("bob"))).text).toBe(`page 4 for ${before}bob`);
  expect((await site.get("/own")).text).toBe("page 3 for undefined");
});

// The RFC would let must-revalidate share an answer, too; of what a site's answers say, only the two words that mean it do so here.
test.each([
  ["public, max-age=60", "everybody"],
  ["s-maxage=60", "everybody"],
  ["max-age=60", "its asker"],
  ["max-age=60, must-revalidate", "its asker"],
  ["", "its asker"],
])("an answer that says %j to a visitor with authorisation is for %s", async (said, whom) => {
  await using site = await stage(
    (_req, res, count) => {
      if (said !== "") res.setHeader("Cache-Control", said);
      res.end(`page ${count}`);
    },
    { sharesSignedIn: true, defaultSeconds: 60 },
  );
  const isShared = whom === "everybody";
  expect((await site.get("/", { authorization: "Bearer ann" })).text).toBe("page 1");
  expect((await site.get("/", { authorization: "Bearer bob" })).text).toBe(isShared ? "page 1" : "page 2");
  expect((await site.get("/")).text).toBe(isShared ? "page 1" : "page 3");
});
