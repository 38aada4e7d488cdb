import { expect, test } from "vitest";
import { isVisit } from "./waking-visit.ts";

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
const facts = { method: "GET", path: "/", userAgent: chrome, purpose: undefined };

test.each([
  ["a browser", chrome],
  ["a phone", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"],
  ["a browser that a test drives", chrome.replace("Chrome/", "HeadlessChrome/")],
  ["curl", "curl/7.88.1"],
  ["a Python script", "python-requests/2.31"],
  ["fetch in Node", "node"],
  ["a program that says nothing of itself", undefined],
])("%s wakes a site", (_, userAgent) => {
  expect(isVisit({ ...facts, userAgent }, false)).toBe(true);
});

test.each([
  ["Google", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"],
  ["an uptime monitor", "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"],
  ["Uptime Kuma", "Uptime-Kuma/1.23.11"],
  ["a load balancer's health check", "ELB-HealthChecker/2.0"],
  ["Kubernetes' probe", "kube-probe/1.27"],
  ["a link preview", "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"],
  ["a crawler that names a tool too", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) curl"],
])("%s does not", (_, userAgent) => {
  expect(isVisit({ ...facts, userAgent }, false)).toBe(false);
});

test.each([
  ["a probe by HEAD", { method: "HEAD" }],
  ["the icon that a browser's tab asks for", { path: "/favicon.ico" }],
  ["a look for robots.txt", { path: "/robots.txt" }],
  ["a browser that only guesses", { purpose: "prefetch;prerender" }],
])("%s does not", (_, over) => {
  expect(isVisit({ ...facts, ...over }, false)).toBe(false);
});

test("an owner can let all of them in", () => {
  expect(isVisit({ ...facts, userAgent: "Googlebot/2.1", method: "HEAD" }, true)).toBe(true);
});
