import { describe, expect, it } from "vitest";
import { dashboardUrl, reachableUrl, sitesDomainProblems, siteUrl } from "./public-address.ts";

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

describe("the sites' domain beside the dashboard", () => {
  const problems = (domain: string, url: string | undefined, pattern?: string) =>
    sitesDomainProblems({ ...defaults, BACKLOT_SITES_DOMAIN: domain, BACKLOT_PUBLIC_URL: url, BACKLOT_SITES_URL_PATTERN: pattern }, 8000);

  it.each([
    ["localhost", "http://dash.localhost:8000"],
    ["localhost", "http://deep.dash.localhost"],
    ["localhost", "http://DASH.localhost.:8000"],
    ["lot.localhost", "http://lot.localhost:8000"],
    ["example.org", "https://example.org"],
    ["example.org", "https://dash.example.org."],
    ["example.org", "https://dash.Example.org"],
  ])("is not %s when that is at %s", (domain, url) => {
    expect(problems(domain, url)).toEqual([expect.stringMatching(/^BACKLOT_SITES_DOMAIN: .* give the sites a domain of their own$/)]);
    // Where a proxy shows the sites counts as well, and is said once.
    expect(problems("sites.example.net", url, `https://{name}.${domain}/`)).toHaveLength(1);
    expect(problems(domain, url, `https://{name}.${domain}/`)).toHaveLength(1);
  });

  it.each([
    ["localhost", undefined],
    ["localhost", "http://localhost:8000"],
    ["localhost", "http://127.0.0.1:8000"],
    ["localhost", "http://notlocalhost:8000"],
    ["sites.localhost", "http://localhost:8000"],
    ["ample.org", "https://example.org"],
    ["sites.example.org", "https://dash.example.org"],
  ])("may be %s when that is at %s", (domain, url) => {
    expect(problems(domain, url)).toEqual([]);
  });

  it("is judged by the address listened at when there is no other, if it is one for browsers", () => {
    const at = (host: string) => sitesDomainProblems({ ...defaults, BACKLOT_HOST: host, BACKLOT_SITES_DOMAIN: "example.org" }, 8000);
    expect(at("dash.example.org")).toHaveLength(1);
    for (const host of ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "192.0.2.1"]) expect(at(host)).toEqual([]);
  });
});
