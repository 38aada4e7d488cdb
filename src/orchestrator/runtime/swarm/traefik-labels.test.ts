import { expect, it } from "vitest";
import { traefikLabels } from "./traefik-labels.ts";

it("says of a site what the original's labels say", () => {
  expect(traefikLabels({ name: "my-site", hosts: ["hi.example.com"], port: 80 })).toEqual({
    "traefik.http.routers.my-site.rule": "Host(`hi.example.com`)",
    "traefik.http.routers.my-site.service": "my-site-service",
    "traefik.http.services.my-site-service.loadbalancer.server.port": "80",
  });
});

it("joins several hosts", () => {
  const labels = traefikLabels({ name: "two", hosts: ["a.example", "b.example"], port: 8080 });
  expect(labels["traefik.http.routers.two.rule"]).toBe("Host(`a.example`) || Host(`b.example`)");
});

it.each(["a`) || PathPrefix(`/", "a)b", "$" + "{x}", "{{.Name}}", "a.b", "A", ""])("refuses %j as a name and as a host", (text) => {
  expect(() => traefikLabels({ name: text, hosts: ["hi.example.com"], port: 80 })).toThrow("cannot stand in a label");
  if (text !== "a.b") expect(() => traefikLabels({ name: "site", hosts: [text], port: 80 })).toThrow("cannot stand in a rule");
});
