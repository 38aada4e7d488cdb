import { specOf } from "../../../test/support/orchestrator-under-test.ts";
import type { ScriptedProgram, ScriptedRun } from "../../../test/support/scripted-runtime.ts";
import { ScriptedRuntime } from "../../../test/support/scripted-runtime.ts";
import type { ScriptedTerminal } from "../../../test/support/scripted-terminal.ts";
import type { RunBehaviour } from "../../../test/support/site-run-suite.ts";
import { type Behaviour, siteRuntimeSuite } from "../../../test/support/site-runtime-suite.ts";
import type { EnterBehaviour } from "../../../test/support/site-terminal-suite.ts";

siteRuntimeSuite("the scripted runtime", async () => {
  const runtime = new ScriptedRuntime();
  runtime.runScript = behaveAsRun;
  runtime.enterScript = behaveAsEntered;
  runtime.script = (program) => behave(program, program.request.spec.environment.BEHAVIOUR as Behaviour);
  return {
    runtime,
    site: async (siteId, behaviour, given = {}) => {
      const output: { stream: "stdout" | "stderr"; text: string }[] = [];
      const request = {
        spec: specOf(siteId, { environment: { BEHAVIOUR: behaviour } }),
        instance: given.instance ?? "main",
        folder: "/nowhere",
        runFile: "run.sh" as const,
        onOutput: (stream: "stdout" | "stderr", text: string) => void output.push({ stream, text }),
      };
      return { request, output };
    },
    run: async (run, behaviour, { siteId } = {}) => {
      const output: { stream: string; text: string }[] = [];
      const request = {
        run,
        place: siteId === undefined ? { kind: "home" as const, timeZone: "UTC" } : { kind: "site" as const, spec: specOf(siteId), folder: "/nowhere" },
        command: { kind: "script" as const, path: behaviour, needsShell: false, shellArguments: null },
        arguments: ["a b"],
        environment: {},
        limits: { cpu: 1, memoryBytes: 128_000_000, pids: 64 },
        onOutput: (stream: string, chunk: Uint8Array) => void output.push({ stream, text: Buffer.from(chunk).toString() }),
      };
      return { request, printed: (stream) => output.flatMap((piece) => (piece.stream === stream ? [piece.text] : [])).join("") };
    },
    enter: async (key, behaviour, size) => ({ key, spec: specOf(31), folder: "/nowhere", command: behaviour, size, environment: {} }),
    [Symbol.asyncDispose]: () => runtime.close(),
  };
});

function behave(program: ScriptedProgram, behaviour: Behaviour): void {
  switch (behaviour) {
    case "serves":
    case "ignores-signals":
      program.print("it starts\n");
      program.print("it complains\n", "stderr");
      program.listen();
      return;
    case "exits-3":
      program.exit({ code: 3 });
      return;
    case "dies-by-signal":
      program.exit({ signal: "SIGABRT" });
      return;
    case "says-goodbye":
      program.onEnd = () => {
        program.print("goodbye\n");
        program.exit({ code: 0 });
      };
      program.listen();
      return;
    case "counts":
      program.listen();
      count(program);
      return;
    case "listens-elsewhere":
      program.elsewhere = ["127.0.0.1:5000"];
      return;
  }
}

function count(program: ScriptedProgram): void {
  let counted = 0;
  const timer = setInterval(() => {
    if (program.isGone) clearInterval(timer);
    if (program.isGone || program.isFrozen) return;
    counted += 1;
    for (const who of ["program", "child"]) program.print(`${who} ${counted}\n`);
  }, 10);
}

function behaveAsRun(run: ScriptedRun): void {
  const { command } = run.request;
  switch (command.kind === "script" ? (command.path as RunBehaviour) : "tells") {
    case "tells":
      void run.print(`it runs with ${run.request.arguments.join(" ")}\n`);
      void run.print("it complains\n", "stderr");
      run.exit({ code: 3 });
      return;
    case "dies-by-signal":
      run.exit({ signal: "SIGABRT" });
      return;
    case "says-goodbye":
      run.onEnd = () => {
        void run.print("goodbye\n");
        run.exit();
      };
      void run.print("ready\n");
      return;
    case "hides":
      run.onEnd = () => run.exit({ signal: "SIGKILL" });
      void run.print("ready\n");
      return;
  }
}

function behaveAsEntered(entered: ScriptedTerminal): void {
  const size = ({ cols, rows }: { readonly cols: number; readonly rows: number }): string => `${rows} ${cols}\r\n`;
  switch (entered.request.command as EnterBehaviour) {
    case "sorts":
      entered.input.once("end", () => {
        entered.print(`${entered.typed.trim().split("\n").sort().join("\n")}\n`);
        entered.print("it complains\n", "stderr");
        entered.exit({ code: 3 });
      });
      return;
    case "dies-by-signal":
      entered.exit({ signal: "SIGABRT" });
      return;
    case "shows-size":
      entered.print(size(entered.request.size ?? { cols: 0, rows: 0 }));
      entered.onResize = (now) => void entered.print(size(now));
      return;
    case "waits-for-int":
      entered.print("ready\n");
      entered.onSignal = () => {
        entered.print("interrupted\n");
        entered.exit({ code: 4 });
      };
      return;
    case "ignores-signals":
      entered.print("ready\n");
      return;
  }
}
