import { specOf } from "../../../test/support/orchestrator-under-test.ts";
import type { ScriptedProgram } from "../../../test/support/scripted-runtime.ts";
import { ScriptedRuntime } from "../../../test/support/scripted-runtime.ts";
import { type Behaviour, siteRuntimeSuite } from "../../../test/support/site-runtime-suite.ts";

siteRuntimeSuite("the scripted runtime", async () => {
  const runtime = new ScriptedRuntime();
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
    case "listens-elsewhere":
      program.elsewhere = ["127.0.0.1:5000"];
      return;
  }
}
