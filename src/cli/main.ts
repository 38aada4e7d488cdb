import { CommanderError } from "commander";
import { Failure } from "#contract/failure.ts";
import { CliError, ExitWith, exitCodeOf, exitCodes } from "./exit-code.ts";
import { buildProgram } from "./program.ts";
import { isCutConnection } from "./server-away.ts";
import { type Environment, openSession } from "./session.ts";
import { jsonLine, plain, processTerminal, styleFor, type Terminal } from "./terminal.ts";

/**
 * Runs one command of the command line and resolves with its exit code; it never throws.
 * `argv` is what stands after `backlot`: `["deploy", "dist"]`.
 */
export async function runCli(argv: readonly string[], environment: Environment, terminal: Terminal = processTerminal()): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram((options) => openSession(options, environment, terminal));
  const settle = (command: typeof program): void => {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => void terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
    for (const child of command.commands) settle(child);
  };
  settle(program);
  try {
    if (argv.length === 0) program.help();
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    exitCode = await tell(error, { argv, environment, terminal });
  }
  return exitCode;
}

async function tell(
  error: unknown,
  asked: { readonly argv: readonly string[]; readonly environment: Environment; readonly terminal: Terminal },
): Promise<number> {
  // Commander has said it already: help and version end with 0, everything else is a mistake in what was typed.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof ExitWith) return error.exitCode;
  const { terminal, environment } = asked;
  if (environment.BACKLOT_DEBUG && error instanceof Error) terminal.err(`${plain(error.stack ?? error.message)}\n`);
  const told = isCutConnection(error) ? new Failure("component_away", { component: "server" }, { cause: error }) : error;
  const problem = problemFor(told);
  const style = styleFor(terminal.isErrTty, environment.NO_COLOR);
  terminal.err(`${terminal.isErrTty ? "\r\u001b[K" : ""}${style.red("error:")} ${plain(problem.title)}\n`);
  if (asked.argv.includes("--json")) await terminal.out(jsonLine({ error: problem }));
  return exitCodeOf(told);
}

function problemFor(error: unknown): { readonly code: string; readonly title: string; readonly details?: unknown } {
  if (error instanceof CliError || error instanceof Failure) {
    const hasDetails = Object.keys(error.details).length > 0;
    return { code: error.code, title: error.message, ...(hasDetails ? { details: error.details } : {}) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "unexpected", title: `Something unexpected happened: ${message}. Set BACKLOT_DEBUG=1 to see where.` };
}
