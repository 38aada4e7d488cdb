import { expect, it } from "vitest";
import { type Launch, launchCommand, runFileCommand } from "./launch-command.ts";
import { plainCommand } from "./plain-command.ts";
import { relayCommand } from "./relay-command.ts";

const programs = { bwrap: "/usr/bin/bwrap", prlimit: "/usr/bin/prlimit", nsenter: "/usr/bin/nsenter", shell: "/bin/sh" };
const launch: Launch = {
  programs,
  as: { uid: 2_000_007, gid: 2_000_007, mountNamespace: "/proc/9/fd/20", networkNamespace: "/proc/9/fd/21" },
  fileBytes: 5120,
  pids: null,
  leaked: [],
  command: ["/site/run.sh"],
};

it("enters the namespaces as root, becomes the site's user, and makes the sandbox as that user", () => {
  expect(launchCommand(launch).join(" ")).toBe(
    "/usr/bin/nsenter --mount=/proc/9/fd/20 --net=/proc/9/fd/21 --setuid 2000007 --setgid 2000007 -- " +
      "/usr/bin/bwrap --args 4 --info-fd 5 -- /bin/sh /opt/backlot/gate - 10 /site/run.sh",
  );
});

it("makes the sandbox as it is for an ordinary user, and limits the processes itself", () => {
  expect(launchCommand({ ...launch, as: null, pids: 64 }).join(" ")).toBe(
    "/usr/bin/bwrap --args 4 --info-fd 5 -- /usr/bin/prlimit --nproc=64 /bin/sh /opt/backlot/gate - 10 /site/run.sh",
  );
});

it("has descriptors closed that were inherited by mistake", () => {
  const bash = { ...launch, as: null, leaked: [19, 251], programs: { ...programs, shell: "/bin/bash" } };
  expect(launchCommand(bash).join(" ")).toBe("/usr/bin/bwrap --args 4 --info-fd 5 -- /bin/bash /opt/backlot/gate 19,251 10 /site/run.sh");
});

it("runs a run.sh itself only when that works", () => {
  expect(runFileCommand("/site/run.sh", { isExecutable: true, hasShebang: true })).toEqual(["/site/run.sh"]);
  expect(runFileCommand("/site/run.sh", { isExecutable: true, hasShebang: false })).toEqual(["/bin/sh", "/site/run.sh"]);
  expect(runFileCommand("/site/run.sh", { isExecutable: false, hasShebang: true })).toEqual(["/bin/sh", "/site/run.sh"]);
});

it("starts a program without a sandbox as its site's user, to die with the orchestrator", () => {
  const plain = {
    programs: { setpriv: "/usr/bin/setpriv", nsenter: "/usr/bin/nsenter", shell: "/bin/sh" },
    fileBytes: 5120,
    gate: "/run/view/gate",
    leaked: [],
  };
  const as = { uid: 2_000_007, gid: 2_000_007, mountNamespace: "/proc/9/fd/20" };
  expect(plainCommand({ ...plain, as, command: ["./run.sh"] }).join(" ")).toBe(
    "/usr/bin/nsenter --mount=/proc/9/fd/20 -- /usr/bin/setpriv --reuid 2000007 --regid 2000007 --clear-groups --no-new-privs --pdeathsig KILL " +
      "/bin/sh /run/view/gate - 10 ./run.sh",
  );
  expect(plainCommand({ ...plain, as: null, command: ["./run.sh"] }).join(" ")).toBe(
    "/usr/bin/setpriv --no-new-privs --pdeathsig KILL /bin/sh /run/view/gate - 10 ./run.sh",
  );
  const bare = { ...plain.programs, setpriv: null, nsenter: null };
  expect(plainCommand({ ...plain, programs: bare, as: null, command: ["./run.sh"] })).toEqual(["/bin/sh", "/run/view/gate", "-", "10", "./run.sh"]);
});

it("relays from a unix socket into the sandbox's network, as root or as an ordinary user, with socat or with Node", () => {
  const relay = {
    programs: { nsenter: "/usr/bin/nsenter", setpriv: "/usr/bin/setpriv", socat: "/usr/bin/socat", node: "/node", relayFile: "/relay.mjs" },
    initPid: 77,
    as: { uid: 2_000_007, gid: 2_000_007, mountNamespace: "/proc/9/fd/20" },
    socket: "/run/s",
    port: 8080,
  };
  expect(relayCommand(relay).join(" ")).toBe(
    "/usr/bin/nsenter --target 77 --net --mount=/proc/9/fd/20 --setuid 2000007 --setgid 2000007 -- /usr/bin/setpriv --pdeathsig KILL " +
      "/usr/bin/socat -t 30 UNIX-LISTEN:/run/s,fork,mode=600,backlog=512,max-children=512 TCP4:127.0.0.1:8080",
  );
  expect(relayCommand({ ...relay, as: null, programs: { ...relay.programs, socat: null } }).join(" ")).toBe(
    "/usr/bin/nsenter --target 77 --net --user --preserve-credentials -- /usr/bin/setpriv --pdeathsig KILL /node /relay.mjs /run/s 8080",
  );
});
