import { cancelTask, type TaskAttemptView, type TaskBody, type TaskView } from "#contract/api/tasks.ts";
import { Failure } from "#contract/failure.ts";
import { fillForm, problemsText } from "#contract/script-form.ts";
import { defaultRunLimits, isTaskEnded, type ScriptView, type TaskState } from "#contract/task.ts";
import type { MockCall, MockHandler } from "./mock-call.ts";
import { siteOf } from "./mock-sites.ts";
import { chartsOf } from "./mock-task-charts.ts";
import type { MockWorld } from "./mock-world.ts";

interface MockTask {
  view: TaskView;
  stdout: string;
  stderr: string;
}

const dayMs = 86_400_000;
const worlds = new WeakMap<MockWorld, MockTask[]>();
const listeners = new Set<() => void>();

const script = (path: string, manual: ScriptView["manual"] = {}, problem: string | null = null): ScriptView => ({
  path,
  size: 812,
  modifiedAt: new Date(Date.now() - 9 * dayMs).toISOString(),
  isExecutable: true,
  manual,
  manualProblem: problem,
});

/** The pretended library. */
const library: readonly ScriptView[] = [
  script("backup.sh", {
    title: "Back up the home folder",
    description: "Makes a dated archive and keeps the last few.",
    allowsMoreArguments: false,
    timeoutSeconds: 3600,
    parameters: [
      {
        name: "target",
        label: "Where to",
        type: "choice",
        choices: ["disk", "tape", "attic"],
        isRequired: true,
        isMultiple: false,
        help: "The attic has the most room.",
      },
      { name: "keep", label: "Archives to keep", flag: "--keep", type: "number", min: 1, max: 60, default: 7, isRequired: false, isMultiple: false },
      { name: "exclude", label: "Leave out", flag: "--exclude", type: "text", isRequired: false, isMultiple: true, help: "One pattern a line." },
      { name: "verify", label: "Read it back afterwards", flag: "--verify", type: "switch", isRequired: false, isMultiple: false },
    ],
  }),
  script("import-pupils.py", { title: "Import pupils", description: "Reads the list of a new school year.", concurrency: 1 }),
  script("ls.sh"),
  script("mkdir.sh"),
  script("touch.sh"),
  script("old/report.sh", {}, "The manual cannot be used: line 3: `paramters` is not known."),
];

const endings: readonly (readonly [state: TaskState, script: string, args: readonly string[], code: number | null, reason: string | null])[] = [
  ["succeeded", "backup.sh", ["attic", "--keep", "7"], 0, null],
  ["failed", "import-pupils.py", ["pupils 2026.csv"], 3, "It ended with code 3."],
  ["timed-out", "backup.sh", ["tape"], null, "It did not end within 3600 s."],
  ["succeeded", "ls.sh", ["-l"], 0, null],
  ["lost", "import-pupils.py", ["pupils.csv"], null, "The process that ran it was lost; nobody can tell how far it came."],
  ["cancelled", "backup.sh", ["disk"], null, "anna cancelled it."],
  ["rejected", "report.sh", [], null, "There is no such script any more."],
];

function tasksOf(world: MockWorld): MockTask[] {
  const known = worlds.get(world);
  if (known !== undefined) return known;
  const made = Array.from({ length: 42 }, (_, index): MockTask => {
    const [state, path, args, code, reason] = endings[index % endings.length] ?? ["succeeded", "ls.sh", [], 0, null];
    const at = Date.now() - index * 9 * 3_600_000 - 600_000;
    return {
      view: {
        ...blank(world, { script: path, arguments: [...args] }, at),
        state,
        code,
        reason,
        ...ended(state, at),
        id: 42 - index,
        site: index % 5 === 3 ? "robotics" : null,
        // The import is tried again twice.
        ...(state === "failed" ? { attempt: 3, retry: { retries: 2, delaySeconds: 10, onLost: "fail" } } : {}),
      },
      stdout: `Reading …\n${"one line of many\n".repeat(index % 9)}Ready.\n`,
      stderr: state === "failed" ? "Traceback (most recent call last):\n  line 7: no column called “class”\n" : "",
    };
  });
  worlds.set(world, made);
  return made;
}

function ended(state: TaskState, at: number): Partial<TaskView> {
  const tookMs = state === "timed-out" ? 3_600_000 : 4_000 + (at % 90_000);
  return {
    startedAt: new Date(at + (at % 900)).toISOString(),
    finishedAt: new Date(at + tookMs).toISOString(),
    end:
      state === "succeeded" || state === "failed"
        ? "exited"
        : state === "rejected"
          ? "refused"
          : state === "lost"
            ? "lost"
            : state === "cancelled"
              ? "cancelled"
              : "timed-out",
    diskBeforeBytes: 81_000_000_000 - (at % 9_000_000_000),
    diskAfterBytes: 80_900_000_000 - (at % 9_000_000_000),
    cpuMs: Math.round(tookMs / 3),
    peakMemoryBytes: 23_000_000 + (at % 90_000_000),
    stdoutBytes: 1234,
    stderrBytes: state === "failed" ? 84 : 0,
    attempt: 1,
  };
}

function blank(world: MockWorld, body: Pick<TaskBody, "script" | "command" | "arguments">, at = Date.now()): TaskView {
  const moment = new Date(at).toISOString();
  return {
    id: 0,
    uid: crypto.randomUUID(),
    state: "queued",
    reason: "It waits for its turn.",
    site: null,
    script: body.script ?? null,
    command: body.command ?? null,
    arguments: body.arguments,
    environment: [],
    priority: 0,
    retry: { retries: 0, delaySeconds: 10, onLost: "fail" },
    limits: defaultRunLimits,
    attempt: 0,
    createdBy: world.me?.username ?? "admin",
    schedule: null,
    rerunOf: null,
    createdAt: moment,
    runAt: moment,
    startedAt: null,
    finishedAt: null,
    isCancelRequested: false,
    end: null,
    code: null,
    signal: null,
    diskBeforeBytes: null,
    diskAfterBytes: null,
    cpuMs: null,
    peakMemoryBytes: null,
    stdoutBytes: 0,
    stderrBytes: 0,
    isOutputCut: false,
    you: { mayControl: true },
  };
}

/** Queues a task that starts, prints for a while and ends by itself. */
export function runMockTask(world: MockWorld, body: Pick<TaskBody, "script" | "command" | "arguments"> & { readonly site?: string | undefined }): TaskView {
  const all = tasksOf(world);
  const task: MockTask = { view: { ...blank(world, body), id: all.length + 1, site: body.site ?? null }, stdout: "", stderr: "" };
  all.unshift(task);
  let line = 0;
  const step = (): void => {
    if (isTaskEnded(task.view.state)) return;
    if (task.view.state === "queued") task.view = { ...task.view, state: "running", reason: null, startedAt: new Date().toISOString(), attempt: 1 };
    else if (line < 12) {
      line += 1;
      task.stdout += `${line} of 12 done\n`;
      task.view = { ...task.view, stdoutBytes: task.stdout.length };
    } else
      task.view = { ...task.view, state: "succeeded", code: 0, end: "exited", finishedAt: new Date().toISOString(), cpuMs: 420, peakMemoryBytes: 9_000_000 };
    for (const listener of listeners) listener();
    setTimeout(step, world.stepMs);
  };
  setTimeout(step, world.stepMs);
  return task.view;
}

function taskOf({ world, params }: MockCall): MockTask {
  const found = tasksOf(world).find(({ view }) => view.uid === params.uid);
  if (found === undefined) throw new Failure("task_not_found");
  return found;
}

/** What the pretended manager says of tasks and scripts. */
export const mockTaskHandlers: Readonly<Record<string, MockHandler>> = {
  "tasks.create": ({ world, body }) => {
    const asked = body as TaskBody;
    const found = library.find(({ path }) => path === asked.script);
    if (asked.script !== undefined && found === undefined) throw new Failure("script_not_found", { script: asked.script, known: "" });
    const filled = fillForm(found?.manual ?? {}, asked.parameters ?? {}, asked.arguments);
    if (filled.kind === "problems") throw new Failure("parameters_invalid", { detail: problemsText(filled.problems) });
    return { task: runMockTask(world, { ...asked, arguments: [...filled.arguments] }) };
  },
  "tasks.list": ({ world, query }) => {
    const states = query.getAll("state");
    const search = (query.get("search") ?? "").toLowerCase();
    const fits = tasksOf(world).filter(
      ({ view }) =>
        (states.length === 0 || states.includes(view.state)) &&
        (query.get("site") === null || view.site === query.get("site")) &&
        `${view.script ?? view.command} ${view.arguments.join(" ")}`.toLowerCase().includes(search),
    );
    const from = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 50);
    return { tasks: fits.slice(from, from + limit).map(({ view }) => view), next: from + limit < fits.length ? String(from + limit) : null };
  },
  "tasks.read": (call) => {
    const { view } = taskOf(call);
    return { task: view, attempts: attemptsBefore(view) };
  },
  "tasks.follow": (call) => follow(call, (task) => ({ data: task.view, isOver: isTaskEnded(task.view.state) })),
  "tasks.log": (call) => {
    const stream = call.params.stream === "stderr" ? "stderr" : "stdout";
    if (call.query.get("follow") !== "true") return call.response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(taskOf(call)[stream]);
    const offset = Number(call.query.get("offset") ?? 0);
    let sent = offset < 0 ? Math.max(taskOf(call)[stream].length + offset, 0) : offset;
    return follow(call, (task) => {
      const text = task[stream].slice(sent);
      const data = text === "" ? null : { offset: sent, next: sent + text.length, text, skipped: 0 };
      sent += text.length;
      return { data, isOver: isTaskEnded(task.view.state) };
    });
  },
  [cancelTask.id]: (call) => {
    const task = taskOf(call);
    if (!isTaskEnded(task.view.state))
      task.view = { ...task.view, state: "cancelled", end: "cancelled", reason: "You cancelled it.", finishedAt: new Date().toISOString() };
    for (const listener of listeners) listener();
    return { task: task.view };
  },
  "tasks.rerun": (call) => {
    const { view } = taskOf(call);
    return {
      task: runMockTask(call.world, {
        script: view.script ?? undefined,
        command: view.command ?? undefined,
        arguments: view.arguments,
        site: view.site ?? undefined,
      }),
    };
  },
  "scripts.list": () => ({ scripts: library, allowsCommands: true }),
  "sites.scripts": (call) => {
    siteOf(call);
    return { scripts: library.slice(0, 2), allowsCommands: false };
  },
  "tasks.charts": ({ query }) => chartsOf(query.get("since") ?? new Date(Date.now() - 20 * dayMs).toISOString().slice(0, 10)),
};

function attemptsBefore({ attempt, createdAt }: TaskView): readonly TaskAttemptView[] {
  return Array.from({ length: Math.max(attempt - 1, 0) }, (_, index) => {
    const startedAt = Date.parse(createdAt) - (attempt - index) * 60_000;
    return {
      attempt: index + 1,
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: new Date(startedAt + 4_200).toISOString(),
      ...({ end: "exited", code: 3, signal: null, reason: "It exited with code 3. It is tried again." } as const),
      ...{ cpuMs: 1_200, peakMemoryBytes: 41_000_000 },
    };
  });
}

function follow(call: MockCall, next: (task: MockTask) => { readonly data: unknown; readonly isOver: boolean }): void {
  const task = taskOf(call);
  call.response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (): void => {
    const { data, isOver } = next(task);
    if (data !== null) call.response.write(`data: ${JSON.stringify(data)}\n\n`);
    if (!isOver) return;
    listeners.delete(send);
    call.response.end();
  };
  listeners.add(send);
  call.response.on("close", () => listeners.delete(send));
  send();
}
