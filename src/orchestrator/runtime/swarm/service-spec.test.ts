import { expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { asleep, entryScript, type ServiceOrder, serviceName, serviceSpec, slotOf } from "./service-spec.ts";
import { staticEntryScript, staticServerConfig } from "./static-server.ts";

const spec: SiteSpec = {
  siteId: 7,
  name: "chess",
  kind: "dynamic",
  availability: "enabled",
  limits: { ...defaultSiteLimits, cpu: 0.6, memoryBytes: 100_000_000, pids: 128, fileBytes: 100_000_000 },
  environment: { GREETING: "hello\nworld", PATH: "/evil", PORT: "1" },
  database: null,
  timeZone: "Europe/Berlin",
  canRunTwice: true,
  egress: "none",
  isTrusted: false,
  placement: 3,
  revision: 12,
};
const order: ServiceOrder = {
  installation: "i1",
  spec,
  instance: "main",
  slot: "first",
  start: "s1",
  folder: "/data/sites/00/07",
  owner: { uid: 2_000_007, gid: 2_000_007 },
  image: "node:24",
  volumes: [],
  nodeId: "node1",
  databaseFolder: "/data/db",
  nameServers: ["192.0.2.53"],
  canForbidPrivileges: false,
  labels: {},
};
const ownLabels = {
  "backlot.installation": "i1",
  "backlot.kind": "site",
  "backlot.site": "7",
  "backlot.instance": "main",
  "backlot.revision": "12",
  "backlot.placement": "3",
  "backlot.start": "s1",
  "backlot.egress": "none",
};

it("makes a whole service of a site: read-only, without rights, limited, never restarted by the swarm", () => {
  expect(serviceSpec(order)).toEqual({
    Name: "site_0007",
    Labels: ownLabels,
    TaskTemplate: {
      ContainerSpec: {
        Image: "node:24",
        Labels: ownLabels,
        Command: ["/bin/sh", "-c", entryScript],
        Hostname: "site",
        Env: ["LANG=C.UTF-8", "GREETING=hello\nworld", "PORT=8080", "HOST=0.0.0.0", "TZ=Europe/Berlin", "HOME=/site/.home", "USER=site"],
        Dir: "/site",
        User: "2000007:2000007",
        Init: true,
        HealthCheck: { Test: ["NONE"] },
        ReadOnly: true,
        Mounts: [
          { Type: "bind", Source: "/data/sites/00/07", Target: "/site", ReadOnly: false, BindOptions: { Propagation: "rprivate" } },
          { Type: "tmpfs", Target: "/tmp", TmpfsOptions: { SizeBytes: 50_000_000, Mode: 0o1777 } },
          { Type: "tmpfs", Target: "/dev/shm", TmpfsOptions: { SizeBytes: 50_000_000, Mode: 0o1777 } },
          { Type: "tmpfs", Target: "/run", TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o1777 } },
        ],
        StopSignal: "SIGTERM",
        StopGracePeriod: 3_000_000_000,
        DNSConfig: { Nameservers: ["127.0.0.1"], Search: ["."], Options: ["timeout:2", "attempts:2"] },
        CapabilityDrop: ["ALL"],
        Ulimits: [
          { Name: "core", Soft: 0, Hard: 0 },
          { Name: "nofile", Soft: 4096, Hard: 4096 },
          { Name: "fsize", Soft: 100_000_000, Hard: 100_000_000 },
        ],
      },
      Resources: { Limits: { NanoCPUs: 600_000_000, MemoryBytes: 100_000_000, Pids: 128 } },
      RestartPolicy: { Condition: "none", Delay: 100_000_000, MaxAttempts: 0 },
      Placement: { Constraints: ["node.id==node1"] },
      LogDriver: { Name: "json-file", Options: { "max-size": "10m", "max-file": "3" } },
      Networks: [],
      ForceUpdate: 0,
      Runtime: "container",
    },
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: { Parallelism: 1, Delay: 0, FailureAction: "rollback", Monitor: 500_000_000, MaxFailureRatio: 0, Order: "start-first" },
    RollbackConfig: { Parallelism: 1, Delay: 0, FailureAction: "rollback", Monitor: 500_000_000, MaxFailureRatio: 0, Order: "start-first" },
    EndpointSpec: { Mode: "dnsrr", Ports: [{ Protocol: "tcp", TargetPort: 8080, PublishMode: "host" }] },
  });
});

it("has memory of the program's own, bounded like /tmp, for what its image declares as volumes, so that the engine keeps nothing on its disk", () => {
  const made = serviceSpec({ ...order, volumes: ["/var/lib/app/", "/data", "/tmp", "/site"] });
  const plain = serviceSpec(order);
  const mounts = containerOf(plain.TaskTemplate).Mounts ?? [];
  const memory = { Type: "tmpfs", TmpfsOptions: { SizeBytes: 50_000_000, Mode: 0o1777 } };
  const expected = [...mounts, { ...memory, Target: "/data" }, { ...memory, Target: "/var/lib/app" }];
  expect(made).toEqual({ ...plain, TaskTemplate: { ...plain.TaskTemplate, ContainerSpec: { ...containerOf(plain.TaskTemplate), Mounts: expected } } });
});

it("shows a site with a database the socket of its server, says in its variables how to sign in, and changes nothing else of its service", () => {
  const database = { name: "site_7", username: "site_7", password: "a/b@c" };
  const plain = serviceSpec(order);
  const container = containerOf(plain.TaskTemplate);
  const others = container.Env ?? [];
  const [site, ...memory] = container.Mounts ?? [];
  const url = "postgresql://site_7:a%2Fb%40c@localhost/site_7?host=/run/postgresql";
  const variables = [
    `DATABASE_URL=${url}`,
    `DIRECTOR_DATABASE_URL=${url}`,
    "DIRECTOR_DATABASE_TYPE=postgres",
    "DIRECTOR_DATABASE_HOST=/run/postgresql",
    "DIRECTOR_DATABASE_PORT=5432",
    "DIRECTOR_DATABASE_NAME=site_7",
    "DIRECTOR_DATABASE_USERNAME=site_7",
    "DIRECTOR_DATABASE_PASSWORD=a/b@c",
  ];
  const socket = { Type: "bind", Source: "/data/db", Target: "/run/postgresql", ReadOnly: true, BindOptions: { Propagation: "rprivate" } };
  expect(serviceSpec({ ...order, spec: { ...spec, database } })).toEqual({
    ...plain,
    TaskTemplate: {
      ...plain.TaskTemplate,
      ContainerSpec: { ...container, Env: [...others.slice(0, 3), ...variables, ...others.slice(3)], Mounts: [site, socket, ...memory] },
    },
  });
  // On a machine without that server it would be told of what is not there.
  expect(serviceSpec({ ...order, databaseFolder: null, spec: { ...spec, database } })).toEqual(plain);
});

it("forbids programs to gain rights where an engine takes that per service", () => {
  expect(containerOf(serviceSpec({ ...order, canForbidPrivileges: true }).TaskTemplate).Privileges).toEqual({ NoNewPrivileges: true });
});

it("gives a site that may go out name servers to ask", () => {
  const out = serviceSpec({ ...order, spec: { ...spec, egress: "internet" } });
  expect(containerOf(out.TaskTemplate).DNSConfig).toMatchObject({ Nameservers: ["192.0.2.53"] });
  expect(out.Labels).toMatchObject({ "backlot.egress": "internet" });
});

it("gives the swarm a site's variables as text, which it would take for templates", () => {
  const { Env: variables } = containerOf(serviceSpec({ ...order, spec: { ...spec, environment: { A: "{{ .Node.ID }}", B: "{{{ {", C: "}}" } } }).TaskTemplate);
  expect(variables?.slice(1, 4)).toEqual(['A={{"{{"}} .Node.ID }}', 'B={{"{{"}}{ {', "C=}}"]);
});

it("lets no label of others replace one of ours", () => {
  const made = serviceSpec({ ...order, labels: { "backlot.site": "8", "traefik.enable": "true" } });
  expect(made.Labels).toEqual({ ...ownLabels, "traefik.enable": "true" });
});

it("changes nothing but the number of programs when a site goes to sleep", () => {
  const made = serviceSpec(order);
  expect(asleep(made)).toEqual({ ...made, Mode: { Replicated: { Replicas: 0 } } });
});

it("names services by the number of their site", () => {
  expect([serviceName(1, "first"), serviceName(12_345, "first"), serviceName(1, "second")]).toEqual(["site_0001", "site_12345", "site_0001_b"]);
  expect([slotOf("site_0001"), slotOf("site_0001_b")]).toEqual(["first", "second"]);
});

function containerOf(template: ReturnType<typeof serviceSpec>["TaskTemplate"]) {
  if (template === undefined || !("ContainerSpec" in template) || template.ContainerSpec === undefined) throw new Error("no container");
  return template.ContainerSpec;
}

it("is a file server for a static site: nginx as nobody's user with the site's group, which sees `public` alone and may only read", () => {
  const files = { path: "/data/sites/00/07/public", mark: "2049:77" };
  const environment = { SECRET: "of the site" };
  const made = serviceSpec({ ...order, image: "nginx:stable", files, spec: { ...spec, kind: "static", isDedicated: true, environment } });
  const program = serviceSpec({ ...order, image: "nginx:stable", spec });
  const [template, other] = [made.TaskTemplate, program.TaskTemplate];
  expect({ ...made, TaskTemplate: { ...template, ContainerSpec: null } }).toEqual({ ...program, TaskTemplate: { ...other, ContainerSpec: null } });
  const { Command: command, Env: variables, Dir: folder, User: user, Mounts: mounts, ...hardening } = containerOf(template);
  const { Command: _c, Env: _e, Dir: _d, User: _u, Mounts: otherMounts, ...same } = containerOf(other);
  expect(hardening).toEqual(same);
  expect({ command, folder, user }).toEqual({ command: ["/bin/sh", "-c", staticEntryScript], folder: "/", user: "65534:2000007" });
  expect(variables).toEqual([`NGINX_CONFIG=${staticServerConfig}`, "PUBLIC_MARK=2049:77"]);
  const [bound, ...memory] = mounts ?? [];
  expect(bound).toEqual({ Type: "bind", Source: files.path, Target: "/site/public", ReadOnly: true, BindOptions: { Propagation: "rprivate" } });
  expect(memory).toEqual(otherMounts?.slice(1));
});

it("is on the engine's bridge as before when it is on a network of proxies, too", () => {
  expect(serviceSpec({ ...order, networks: ["net1"] }).TaskTemplate).toMatchObject({ Networks: [{ Target: "bridge" }, { Target: "net1" }] });
});
