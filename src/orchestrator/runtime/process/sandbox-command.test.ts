import { expect, it } from "vitest";
import { type Sandbox, type SandboxFacts, sandboxArguments } from "./sandbox-command.ts";

const facts: SandboxFacts = {
  systemFolders: [
    { path: "/bin", link: "usr/bin" },
    { path: "/lib", link: null },
  ],
  etcFolder: "/run/view/etc",
  etcFiles: ["passwd", "hosts"],
  nodeBinary: "/run/view/node",
  gate: "/run/view/gate",
  canDisableUserNamespaces: true,
};
const sandbox: Sandbox = {
  folder: "/run/view/sites/00/07",
  workFolder: "/site/public",
  environment: { PORT: "8080", SECRET: "a b" },
  databaseFolder: null,
  ownsNetwork: false,
  hasEgress: false,
  isEntered: false,
  tmpBytes: 1000,
};

const flat = (lines: readonly string[]): readonly string[] => lines.flatMap((line) => line.split(" "));

it("describes the whole sandbox", () => {
  expect(sandboxArguments(sandbox, facts, 6)).toEqual([
    ...flat(["--die-with-parent --new-session --unshare-user --disable-userns --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try"]),
    ...flat(["--hostname site --uid 1000 --gid 1000 --cap-drop ALL --seccomp 6 --clearenv --setenv PORT 8080"]),
    ...["--setenv", "SECRET", "a b"],
    ...flat(["--ro-bind /usr /usr", "--symlink usr/bin /bin", "--ro-bind-try /lib /lib", "--perms 0755 --dir /etc"]),
    ...["alternatives", "ca-certificates", "ld.so.cache", "localtime", "mime.types", "php", "ssl/certs", "ssl/openssl.cnf"].flatMap((name) => [
      "--ro-bind-try",
      `/etc/${name}`,
      `/etc/${name}`,
    ]),
    ...flat(["--ro-bind /run/view/etc/passwd /etc/passwd", "--ro-bind /run/view/etc/hosts /etc/hosts"]),
    ...flat(["--proc /proc --dev /dev", "--perms 1777 --size 1000 --tmpfs /dev/shm", "--remount-ro /dev"]),
    ...flat(["--perms 1777 --size 1000 --tmpfs /tmp", "--perms 0755 --size 1048576 --tmpfs /run"]),
    ...flat(["--perms 0755 --dir /var --symlink /tmp /var/tmp --symlink /run /var/run"]),
    ...flat(["--ro-bind /run/view/gate /opt/backlot/gate --ro-bind /run/view/node /opt/backlot/node/bin/node"]),
    ...flat(["--bind /run/view/sites/00/07 /site", "--remount-ro / --chdir /site/public"]),
  ]);
});

it("takes the system from a root that stands ready, with its own name servers where it may ask some", () => {
  const ready = sandboxArguments({ ...sandbox, hasEgress: true }, { ...facts, root: "/run/view/root" }, null);
  expect(ready.slice(ready.indexOf("a b") + 1)).toEqual(
    flat([
      "--ro-bind /run/view/root / --ro-bind /run/view/etc/resolv.conf.egress /etc/resolv.conf",
      "--proc /proc --dev /dev --perms 1777 --size 1000 --tmpfs /dev/shm --remount-ro /dev",
      "--perms 1777 --size 1000 --tmpfs /tmp --perms 0755 --size 1048576 --tmpfs /run",
      "--bind /run/view/sites/00/07 /site --chdir /site/public",
    ]),
  );
});

it("keeps a sandbox that a relay has to enter in one user namespace: without terminals, and open to further namespaces but for the filter", () => {
  const entered = sandboxArguments({ ...sandbox, ownsNetwork: true, isEntered: true }, facts, null);
  expect(entered).toContain("--unshare-net");
  expect(entered).not.toContain("--disable-userns");
  expect(entered).not.toContain("--dev");
  expect(entered).not.toContain("--seccomp");
  const at = entered.indexOf("--dev-bind");
  expect(entered.slice(at - 4, at + 3)).toEqual(["--perms", "0755", "--tmpfs", "/dev", "--dev-bind", "/dev/null", "/dev/null"]);
});

it("asks an old bubblewrap for nothing that it does not know", () => {
  expect(sandboxArguments(sandbox, { ...facts, canDisableUserNamespaces: false }, 6)).not.toContain("--disable-userns");
});

it("shows no site when there is none", () => {
  expect(sandboxArguments({ ...sandbox, folder: null }, facts, 6)).not.toContain("/site");
});

it("shows the socket of the databases, to look at and to connect to only, to a site that has one", () => {
  const shown = sandboxArguments({ ...sandbox, databaseFolder: "/run/view/database" }, facts, 6);
  const at = shown.indexOf("/run/view/database");
  expect(shown.slice(at - 1, at + 2)).toEqual(["--ro-bind", "/run/view/database", "/run/postgresql"]);
  // Inside the folder that was just made anew, so not hidden by it.
  expect(shown.indexOf("/run")).toBeLessThan(at);
  expect(sandboxArguments(sandbox, facts, 6)).not.toContain("/run/postgresql");
});

it("makes the gate of a sandbox that serves several runs the first process, and shows its message queues", () => {
  const kept = sandboxArguments({ ...sandbox, isKept: true }, facts, 6);
  const plain = sandboxArguments(sandbox, facts, 6);
  expect(kept.filter((word) => !plain.includes(word))).toEqual(["--as-pid-1", "--mqueue", "/dev/mqueue"]);
  expect(kept.indexOf("--mqueue")).toBeLessThan(kept.indexOf("--remount-ro"));
});
