// What every runtime promises of those who enter a site; called by `site-runtime-suite.ts`.
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import type { TerminalSize } from "#contract/terminal.ts";
import type { EnteredProgram, EnterRequest } from "#orchestrator/runtime/enter.ts";
import type { SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";

/** What a command does in these tests; the texts of real ones stand below. */
export type EnterBehaviour = "sorts" | "dies-by-signal" | "shows-size" | "waits-for-int" | "ignores-signals";

export type MakeEntry = (key: string, behaviour: EnterBehaviour, size: TerminalSize | null) => Promise<EnterRequest>;

export const enterCommands: Readonly<Record<EnterBehaviour, string>> = {
  sorts: 'sort; echo "it complains" >&2; exit 3',
  "dies-by-signal": "kill -ABRT $$",
  "shows-size": "trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done",
  "waits-for-int": "trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 0.05; done",
  "ignores-signals": "trap '' HUP INT TERM; echo ready; while :; do sleep 0.05; done",
};

/** Gathers what a stream gives. */
export function gathered(stream: Readable): () => string {
  let all = "";
  stream.on("data", (chunk: Buffer) => {
    all += chunk.toString();
  });
  stream.resume();
  return () => all;
}

const size = { cols: 80, rows: 24 };
const soon = { timeout: 20_000 };

export function siteTerminalSuite(opened: () => { readonly runtime: SiteRuntime; readonly enter: MakeEntry }): void {
  const enter = async (key: string, behaviour: EnterBehaviour, on: TerminalSize | null): Promise<EnteredProgram> =>
    opened().runtime.enter(await opened().enter(key, behaviour, on));

  it("gives a command its input to its end, and keeps its output, its errors and its code apart", async () => {
    const program = await enter("e1", "sorts", null);
    program.input.end("b\na\n");
    const { output, errors, exited } = program;
    expect(errors).not.toBeNull();
    expect(await Promise.all([text(output), text(errors ?? output), exited])).toEqual([
      "a\nb\n",
      "it complains\n",
      expect.objectContaining({ code: 3, signal: null }),
    ]);
  });

  it.each([null, size])("tells by which signal a command ended (terminal: %o)", async (on) => {
    const program = await enter("e2", "dies-by-signal", on);
    gathered(program.output);
    expect(await program.exited).toMatchObject({ code: null, signal: "SIGABRT" });
  });

  it("starts on a terminal of the size that was asked for, and tells of every other one", async () => {
    const program = await enter("e3", "shows-size", size);
    expect(program.errors).toBeNull();
    const shown = gathered(program.output);
    await expect.poll(shown, soon).toContain("24 80\r\n");
    program.resize({ cols: 132, rows: 50 });
    await expect.poll(shown, soon).toContain("50 132\r\n");
    await program.end(0);
  });

  it.each([null, size])("sends a signal to what runs (terminal: %o)", async (on) => {
    const program = await enter("e4", "waits-for-int", on);
    const shown = gathered(program.output);
    await expect.poll(shown, soon).toContain("ready");
    program.signal("INT");
    expect(await program.exited).toMatchObject({ code: 4, signal: null });
    await expect.poll(shown, soon).toContain("interrupted");
  });

  it.each([null, size])("ends what does not want to end when the grace is over, also when asked twice (terminal: %o)", async (on) => {
    const program = await enter("e5", "ignores-signals", on);
    const shown = gathered(program.output);
    await expect.poll(shown, soon).toContain("ready");
    await Promise.all([program.end(200), program.end(60_000)]);
    await program.end(0);
    expect(await program.exited).toMatchObject({ code: null });
  });

  it("ends its streams when the program has ended", async () => {
    const program = await enter("e6", "waits-for-int", size);
    gathered(program.output);
    const closed = new Promise<void>((resolve) => program.output.once("close", resolve));
    await program.end(0);
    await closed;
  });
}
