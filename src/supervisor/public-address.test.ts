import { describe, expect, it } from "vitest";
import { dashboardUrl, reachableUrl, siteUrl } from "./public-address.ts";

const defaults = { BACKLOT_HOST: "127.0.0.1", BACKLOT_PUBLIC_URL: undefined, BACKLOT_SITES_DOMAIN: "localhost", BACKLOT_SITES_URL_PATTERN: undefined };

describe("addresses for people", () => {
  it("are names of this machine unless something else was said", () => {
    expect(dashboardUrl(defaults, 8000)).toBe("http://localhost:8000");
    expect(siteUrl(defaults, 8080)).toBe("http://NAME.localhost:8080");
    expect(dashboardUrl({ ...defaults, BACKLOT_HOST: "192.0.2.1" }, 8000)).toBe("http://192.0.2.1:8000");
    expect(siteUrl({ ...defaults, BACKLOT_SITES_DOMAIN: "example.net" }, 80)).toBe("http://NAME.example.net");
  });

  it("are what an administrator says when a proxy stands before them", () => {
    const settings = { ...defaults, BACKLOT_PUBLIC_URL: "https://lot.example.org", BACKLOT_SITES_URL_PATTERN: "https://{name}.example.net/" };
    expect([dashboardUrl(settings, 8000), siteUrl(settings, 8080)]).toEqual(["https://lot.example.org", "https://NAME.example.net/"]);
  });
});

describe("addresses for the other processes", () => {
  it.each([
    ["127.0.0.1", "http://127.0.0.1:80"],
    ["0.0.0.0", "http://127.0.0.1:80"],
    ["::", "http://[::1]:80"],
    ["fd00::1", "http://[fd00::1]:80"],
    ["192.0.2.1", "http://192.0.2.1:80"],
  ])("of a server that listens at %s are %s", (host, url) => {
    expect(reachableUrl(host, 80)).toBe(url);
  });
});
