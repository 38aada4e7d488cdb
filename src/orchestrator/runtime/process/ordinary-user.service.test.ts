import { request } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { firstMissing, titled, whyNoProgram, whyNoSandbox, whyNotRoot } from "../../../../test/support/needs.ts";
import { ordinaryUser, startHost } from "../../../../test/support/site-runtime-hosting.ts";
import { countsProcessesPerNamespace } from "./machine.ts";

// As root this test makes an ordinary user; as an ordinary user all other tests are this one already.
const missing = firstMissing(whyNotRoot(), whyNoSandbox(), whyNoProgram("setpriv"));
const server = { "run.sh": '#!/bin/sh\nexec node "$(dirname "$0")/program.mjs"\n', "program.mjs": "" };

describe.skipIf(missing !== null)(titled("run by an ordinary user", missing), () => {
  const orderFor = (folder: string) =>
    ({ stateFolder: `${folder}/state`, sitesFolder: `${folder}/sites`, installation: "ordin", mode: "auto", hasSocat: true }) as const;

  it.each([true, false])("isolates sites and reaches them over unix sockets, with socat: %s", async (hasSocat) => {
    using user = ordinaryUser();
    const sites = [1, 2].map((siteId) => ({ siteId, files: server, environment: { BEHAVIOUR: "serves" } }));
    await using host = await startHost({ ...orderFor(user.folder), hasSocat, sites, waits: "until they listen" }, user.as, user.checkout);
    const { capabilities, started } = host.report;
    expect(capabilities).toEqual({
      isolates: true,
      missing: [],
      limits: { memory: false, cpu: false, pids: countsProcessesPerNamespace() },
      freezes: true,
      freezeNote: null,
      egress: { isAvailable: false, notes: ["Backlot does not run as root, and only root can route and filter what sites send."] },
    });
    const sockets = started.map(({ address }) => (address !== undefined && "socket" in address ? address.socket : ""));
    expect(new Set(sockets).size).toBe(2);
    expect(await Promise.all(sockets.map((socket) => get(socket, "/a")))).toEqual(["hello from /a", "hello from /a"]);
  });

  it("runs commands in the home folder in a sandbox, and limits memory and processes as far as it goes", async () => {
    using user = ordinaryUser();
    const home = { folder: `${user.folder}/home`, library: `${user.folder}/scripts` };
    const commands = [
      "pwd; echo made > made; ls; test -e /work && echo out; exit 3",
      "exec python3 -c 'bytearray(2000000000)'",
      "for i in $(seq 40); do sleep 1 & done; echo forked",
      "exec node -e 'console.log(6 * 7)'",
      "kill -ABRT $$",
    ];
    await using host = await startHost({ ...orderFor(user.folder), home, commands, sites: [], waits: "until they end" }, user.as, user.checkout);
    const [first, hungry, forking, interpreted, last] = host.report.ran;
    expect(first).toEqual({ printed: "/homedir\nmade\n", exit: { code: 3, signal: null, isOutOfMemory: false, cpuMs: null, peakMemoryBytes: null } });
    expect(hungry?.printed).toContain("MemoryError");
    // Node reserves far more than it uses: a bound that it meets would let it not begin.
    expect(interpreted).toMatchObject({ printed: "42\n", exit: { code: 0 } });
    if (countsProcessesPerNamespace()) expect(forking?.printed).toMatch(/fork/i);
    expect(last?.exit).toMatchObject({ code: null, signal: "SIGABRT" });
  });

  it("has terminals, with jobs", async () => {
    using user = ordinaryUser();
    const typed = ["tty; sleep 600 & jobs; kill %1; echo out > /dev/stderr; echo rea''dy"];
    await using host = await startHost({ ...orderFor(user.folder), typed, sites: [], waits: "until they end" }, user.as, user.checkout);
    const [shown] = host.report.shown;
    expect(shown).toMatch(/\/dev\/console\r\n.*Running\s+sleep 600.*out\r\n.*ready\r\n/s);
    expect(shown).not.toContain("no job control");
  });

  it("limits the number of a program's processes, and lets it have no rights", async () => {
    using user = ordinaryUser();
    const fork = "started=0; while [ $started -lt 60 ]; do sleep 3 & started=$((started+1)); done; echo $started";
    const files = {
      "run.sh": `#!/bin/sh\ngrep -E 'Seccomp:|CapEff|NoNewPrivs' /proc/self/status; unshare -U true || echo kept; ls -d /proc/[0-9]* | wc -l\n${fork}\n`,
    };
    const sites = [{ siteId: 1, files, limits: { pids: 30 } }];
    await using host = await startHost({ ...orderFor(user.folder), sites, waits: "until they end" }, user.as, user.checkout);
    const [program] = host.report.started;
    expect(program?.printed).toMatch(/CapEff:\s+0{16}\nNoNewPrivs:\s+1\nSeccomp:\s+2\n/);
    expect(program?.printed).toContain("kept");
    if (countsProcessesPerNamespace()) expect(program?.printed).toMatch(/fork/i);
  });
});

async function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (response) => resolve(text(response)))
      .once("error", reject)
      .end();
  });
}
