import { expect, it } from "vitest";
import { defaultSiteLimits } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { EnterRequest } from "../enter.ts";
import { disposableSpec } from "./disposable.ts";
import { entryCommand, entryOrder } from "./swarm-entry.ts";
import { inShell } from "./swarm-run.ts";

const spec: SiteSpec = {
  siteId: 7,
  name: "chess",
  kind: "dynamic",
  availability: "enabled",
  limits: { ...defaultSiteLimits, cpu: 0.6, memoryBytes: 100_000_000, pids: 128, fileBytes: 30_000_000 },
  environment: { GREETING: "hello", PATH: "/evil", PORT: "1" },
  database: null,
  timeZone: "Europe/Berlin",
  canRunTwice: true,
  egress: "none",
  isTrusted: false,
  revision: 12,
};
const machine = { installation: "i1", defaultImage: "lab:1", databaseFolder: "/data/db", home: null, nameServers: ["192.0.2.53"] };
const life = { folder: { source: "/state/life/1", target: "/run/backlot-life", isWritable: false } };
const onTerminal: EnterRequest = {
  key: "e1",
  spec,
  folder: "/data/sites/00/07",
  command: null,
  size: { cols: 80, rows: 24 },
  environment: { LC_TIME: "C" },
};

function made(request: EnterRequest) {
  const order = entryOrder(machine, request, life);
  return { start: order.start, container: disposableSpec(order, []) };
}

it("makes a whole container of a terminal: its site's user and limits, read-only, without rights or a network", () => {
  const { start, container } = made(onTerminal);
  expect(start).toMatch(/^[0-9a-f-]{36}$/);
  const memory = (target: string, bytes: number) => ({ Type: "tmpfs", Target: target, TmpfsOptions: { SizeBytes: bytes, Mode: 0o1777 } });
  const bound = (source: string, target: string, isReadOnly: boolean) => ({
    ...{ Type: "bind", Source: source, Target: target, ReadOnly: isReadOnly },
    BindOptions: { Propagation: "rprivate" },
  });
  expect(container).toEqual({
    name: `backlot-enter-${start}`,
    Labels: { "backlot.installation": "i1", "backlot.kind": "enter", "backlot.start": start },
    Image: "lab:1",
    Entrypoint: inShell("/site/.home", entryCommand(onTerminal)),
    Cmd: [],
    Env: [...["TERM=xterm-256color", "LANG=C.UTF-8", "GREETING=hello", "TZ=Europe/Berlin", "HOME=/site/.home", "USER=site"], ...["LC_TIME=C", "LOGNAME=site"]],
    WorkingDir: "/site",
    // Only root can become a site's user.
    User: process.getuid?.() === 0 ? "2000007:2000007" : "65534:65534",
    Hostname: "site",
    Healthcheck: { Test: ["NONE"] },
    Tty: true,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      Init: true,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Memory: 100_000_000,
      MemorySwap: 100_000_000,
      NanoCpus: 600_000_000,
      PidsLimit: 128,
      Ulimits: [
        { Name: "core", Soft: 0, Hard: 0 },
        { Name: "nofile", Soft: 4096, Hard: 4096 },
        { Name: "fsize", Soft: 30_000_000, Hard: 30_000_000 },
      ],
      Mounts: [
        bound("/data/sites/00/07", "/site", false),
        bound("/state/life/1", "/run/backlot-life", true),
        memory("/tmp", 50_000_000),
        memory("/dev/shm", 50_000_000),
        memory("/run", 1_048_576),
      ],
      NetworkMode: "none",
      LogConfig: { Type: "none", Config: {} },
      RestartPolicy: { Name: "no" },
    },
  });
});

it("changes of it for a command only that it has no terminal, and for a site that may go out only its way out", () => {
  const plain = made(onTerminal).container;
  const unlike = { name: expect.any(String), Labels: expect.objectContaining({ "backlot.kind": "enter" }) };
  const piped = { ...onTerminal, command: "sort", size: null };
  expect(made(piped).container).toEqual({
    ...plain,
    ...unlike,
    Entrypoint: inShell("/site/.home", entryCommand(piped)),
    Env: plain.Env?.filter((variable) => !variable.startsWith("TERM=")),
    Tty: false,
  });
  const out = { NetworkMode: "bridge", Dns: ["192.0.2.53"], DnsSearch: ["."], DnsOptions: ["timeout:2", "attempts:2"] };
  expect(made({ ...onTerminal, spec: { ...spec, egress: "internet" } }).container).toEqual({
    ...plain,
    ...unlike,
    HostConfig: { ...plain.HostConfig, ...out },
  });
});

it("shows who enters a site with a database its server's socket, to read only, and how to sign in", () => {
  const { Env: variables, HostConfig: host } = made({
    ...onTerminal,
    spec: { ...spec, database: { name: "site_7", username: "site_7", password: "secret" } },
  }).container;
  expect(variables).toContain("DATABASE_URL=postgresql://site_7:secret@localhost/site_7?host=/run/postgresql");
  expect(host?.Mounts?.filter(({ Source: source }) => source === "/data/db")).toEqual([
    { Type: "bind", Source: "/data/db", Target: "/run/postgresql", ReadOnly: true, BindOptions: { Propagation: "rprivate" } },
  ]);
});
