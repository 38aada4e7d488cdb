import { expect, test } from "vitest";
import { Failure, type FailureCode, failureTable } from "#contract/failure.ts";
import { escapeHtml, pageTextOf, renderPage } from "./error-page.ts";

test("a page says what happened and what to do, and needs nothing from elsewhere", () => {
  const page = renderPage(pageTextOf(new Failure("site_crashed", { reason: "exited 1 three times in 10 s" })));
  expect(page).toContain("<h1>The site&#39;s program has stopped</h1>");
  expect(page).toContain("exited 1 three times in 10 s");
  expect(page).toContain("look at its log");
  expect(page).not.toMatch(/<script|<link|src=|url\(|http-equiv/);
  expect(page).toContain("prefers-color-scheme:dark");
});

test("nothing that a visitor or a program wrote becomes markup", () => {
  const page = renderPage({
    ...pageTextOf(new Failure("host_unknown", { host: "<script>alert('x')</script>\"&" })),
    link: { href: 'http://a/"><b>', text: "<i>" },
  });
  expect(page).not.toMatch(/<script|<b>|<i>/);
  expect(escapeHtml(`&<>"'`)).toBe("&#38;&#60;&#62;&#34;&#39;");
});

test("a page about something that passes by itself asks again", () => {
  expect(renderPage(pageTextOf(new Failure("site_starting", { retryAfterSeconds: 5 })))).toContain('<meta http-equiv="refresh" content="5">');
});

test("every failure has a page with its own status", () => {
  for (const code of Object.keys(failureTable) as FailureCode[]) {
    const text = pageTextOf(new Failure(code));
    expect(renderPage(text)).toContain(`<p class="status">${failureTable[code].status}</p>`);
    expect(text.advice).not.toBe("");
  }
});
