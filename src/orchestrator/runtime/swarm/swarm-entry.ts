import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { TerminalSize } from "#contract/terminal.ts";
import type { EnteredProgram, EnterRequest } from "../enter.ts";
import { runEnvironment, sandboxPaths } from "../process/run-plan.ts";
import { siteOwner } from "../process/site-owner.ts";
import { EnteredProcess } from "../process/terminal-process.ts";
import { environmentOf, inside } from "./container-plan.ts";
import { type Disposable, type DisposableOrder, startDisposable, undoing } from "./disposable.ts";
import { readMultiplexed } from "./multiplexed.ts";
import { boundFoldersOf, imageOf, type SwarmMachine } from "./swarm-machine.ts";
import { type DisposableLife, inShell } from "./swarm-run.ts";

/** Starts a shell or a command in a container of its own, made like its site's. */
export async function startEntry(machine: SwarmMachine, request: EnterRequest, context: DisposableLife): Promise<EnteredProgram> {
  const { size, spec } = request;
  const disposable = await startDisposable(machine, entryOrder(machine, request, context.life));
  const letIn = await machine.letOut(disposable.ip, spec.egress === "internet").catch(undoing(disposable.remove));
  if (size !== null) await disposable.resize(size);
  const streams = size === null ? pipesOf(disposable) : terminalOf(disposable);
  let isOutOfMemory = false;
  const ended = disposable.ended.then((end) => {
    isOutOfMemory = end.isOutOfMemory;
    return { code: end.code, signal: end.signal as NodeJS.Signals | null };
  });
  return new EnteredProcess({
    launched: {
      ...streams,
      terminal: size === null ? null : { resize: (now: TerminalSize) => void disposable.resize(now) },
      ended,
    },
    tree: disposable.tree,
    cgroup: { oomKills: () => (isOutOfMemory ? 1 : 0) },
    isShell: request.command === null,
    release: () => Promise.all([letIn(), disposable.remove()]).then(context.onEnd),
    log: context.log,
  });
}

/** What the container of somebody who enters a site is made of: its site's user, limits and way out. */
export function entryOrder(
  machine: Pick<SwarmMachine, "installation" | "defaultImage" | "databaseFolder" | "home" | "nameServers">,
  request: EnterRequest,
  life: DisposableLife["life"],
): DisposableOrder {
  const { spec, folder, size, environment } = request;
  const place = { kind: "site", spec, folder } as const;
  const paths = sandboxPaths(place, { ...inside, path: "" }, spec.database !== null && machine.databaseFolder !== null);
  const variables = { ...runEnvironment({ place, environment: {} }, paths), ...environment, LOGNAME: "site" };
  return {
    installation: machine.installation,
    kind: "enter",
    start: randomUUID(),
    image: imageOf(machine, spec),
    command: inShell(paths.home, entryCommand(request)),
    environment: environmentOf({ ...(size === null ? {} : { TERM: "xterm-256color" }), ...variables }),
    workFolder: paths.work,
    folders: [...boundFoldersOf(machine, place), life.folder],
    owner: siteOwner(spec.siteId),
    limits: spec.limits,
    hasEgress: spec.egress === "internet",
    nameServers: machine.nameServers,
    hasTerminal: size !== null,
    hasInput: true,
  };
}

/** The shell that the image has, found inside it: bash where it is, else any. Files are the group's too, as those that the editor makes. */
export function entryCommand({
  command,
  size,
  spec,
}: Pick<EnterRequest, "command" | "size"> & { readonly spec: { readonly name: string } }): readonly string[] {
  const prepare = [
    "umask 007",
    'SHELL="$(command -v bash || echo /bin/sh)"',
    "export SHELL",
    // The engine tells the size when the program runs already; the terminal erases characters, not bytes.
    ...(size === null
      ? []
      : ['_b=0; while [ "$_b" -lt 100 ] && [ "$(stty size 2>/dev/null)" = "0 0" ]; do _b=$((_b+1)); sleep 0.02; done; unset _b', "stty iutf8 2>/dev/null"]),
  ];
  if (command !== null) return ["/bin/sh", "-c", [...prepare, 'exec "$SHELL" -c "$0"'].join("\n"), command];
  const login = [".bash_profile", ".bash_login", ".profile"].map((name) => `[ -f "$HOME/${name}" ] && exec "$SHELL" -l`);
  const prompt = 'case "$SHELL" in */bash) PS1="\\[\\e[1;32m\\]$0\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$ " ;; *) PS1="$0\\$ " ;; esac; export PS1';
  return ["/bin/sh", "-c", [...prepare, prompt, ...login, 'exec "$SHELL" -i'].join("\n"), spec.name];
}

type Streams = Pick<EnteredProgram, "input" | "output" | "errors">;

function terminalOf({ streams }: Disposable): Streams {
  const output = new PassThrough();
  streams.pipe(output);
  // A terminal of an engine that has gone has ended like any other.
  streams.once("error", () => output.end());
  return { input: streams, output, errors: null };
}

function pipesOf({ streams }: Disposable): Streams {
  const pipes = { stdout: new PassThrough(), stderr: new PassThrough() };
  void readMultiplexed(streams, async (name, chunk) => {
    if (!pipes[name].write(chunk)) await once(pipes[name], "drain");
  })
    .catch(() => undefined)
    .finally(() => {
      for (const pipe of Object.values(pipes)) pipe.end();
    });
  return { input: streams, output: pipes.stdout, errors: pipes.stderr };
}
