import { expect, test } from "vitest";
import { Failure, failureOf, failureTable, problemOf } from "./failure.ts";

test("a failure survives the way over the wire", () => {
  const sent = new Failure("site_name_taken", { name: "chess" });
  const received = failureOf(sent.status, JSON.parse(JSON.stringify(problemOf(sent, "request-1"))));
  expect(received).toEqual(sent);
  expect(received.message).toBe("There is a site called chess already. Choose another name.");
});

test("an answer that is no problem document of ours becomes one", () => {
  expect(failureOf(502, "<html>bad gateway</html>").code).toBe("component_away");
  expect(failureOf(500, undefined).code).toBe("internal");
  expect(failureOf(404, { code: "made_up" }).code).toBe("internal");
});

// Shown to visitors of a public address, who learn nothing from it that the address does not say.
const toVisitors = ["site_closed"];

test("every title is a sentence to a person, and a site is never answered with 403 to people of the API", () => {
  for (const [code, { status, title }] of Object.entries(failureTable)) {
    expect(title, code).toMatch(/^[A-Z{].*[.?}]$/);
    if ((code.startsWith("site_") || code.startsWith("role_")) && !toVisitors.includes(code)) expect(status, code).not.toBe(403);
  }
});
