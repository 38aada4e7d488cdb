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

// Words that begin with what to do, as titles use them.
const verbs =
  "add|ask|change|check|choose|close|create|delete|drain|fill|follow|give|hide|install|leave|let|list|load|look|make|mend|open|paste|read|remove|resume|" +
  "restart|run|search|see|send|sign|start|take|tell|try|use|wait|write";
// At the beginning of a sentence or behind a colon or semicolon; what stands for {reason} ends with a full stop where a sentence follows it.
const advice = new RegExp(`(?:^|[.;:}] )(?:${verbs})(?=[ ,:])`, "i");

// Titles that do without such a sentence, each with what says it instead.
const withoutAdvice: Readonly<Partial<Record<keyof typeof failureTable, string>>> = {
  key_invalid: "each of its reasons ends with what to do (core/accounts/public-key.ts)",
  site_crashed: "what follows is the program's own last line, to which nothing may be added; pages and commands that show it offer the log",
  site_not_listening: "it says what run.sh must do",
};

test("every title says what to do, but for a few that have a reason", () => {
  const silent = Object.entries(failureTable).filter(([, { title }]) => !advice.test(title));
  expect(silent.map(([code]) => code).sort()).toEqual(Object.keys(withoutAdvice).sort());
});
