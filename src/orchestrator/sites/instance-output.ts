import type { LogLine } from "#contract/internal/orchestrator.ts";
import type { Clock } from "#kit/clock.ts";
import { tellingLine } from "./end-reason.ts";
import { LineSplitter } from "./line-splitter.ts";
import { type BudgetLimits, defaultBudget, OutputBudget } from "./output-budget.ts";

type Stream = "stdout" | "stderr";
const rememberedLines = 20;
const rememberedLength = 1_000;

/** What one instance prints on its way into the site's log: split, bounded, and its last lines remembered to explain its end. */
export class InstanceOutput {
  readonly #write: (stream: LogLine["stream"], line: string) => void;
  readonly #clock: Clock;
  readonly #budget: OutputBudget;
  readonly #splitters: Readonly<Record<Stream, LineSplitter>>;
  readonly #recent: Record<Stream, string[]> = { stdout: [], stderr: [] };
  #dropped = 0;

  constructor(deps: { readonly write: (stream: LogLine["stream"], line: string) => void; readonly clock: Clock; readonly limits?: BudgetLimits }) {
    this.#write = deps.write;
    this.#clock = deps.clock;
    this.#budget = new OutputBudget(deps.limits ?? defaultBudget, deps.clock.now());
    this.#splitters = { stdout: this.#splitter("stdout"), stderr: this.#splitter("stderr") };
  }

  take(stream: Stream, text: string): void {
    if (!this.#budget.take(text.length, this.#clock.now())) {
      this.#dropped += text.length;
      return;
    }
    this.#noteDropped();
    this.#splitters[stream].write(text);
  }

  /** The program is gone: what it left without an end of line is a line too. */
  end(): void {
    this.#splitters.stdout.end();
    this.#splitters.stderr.end();
    this.#noteDropped();
  }

  /** The line that explains the end best: errors are printed to stderr. */
  lastLine(): string | null {
    return tellingLine(this.#recent.stderr) ?? tellingLine(this.#recent.stdout);
  }

  #splitter(stream: Stream): LineSplitter {
    return new LineSplitter((line) => {
      const recent = this.#recent[stream];
      recent.push(line.slice(0, rememberedLength));
      if (recent.length > rememberedLines) recent.shift();
      this.#write(stream, line);
    });
  }

  #noteDropped(): void {
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#write("platform", `the program prints too fast: ${dropped} characters were left out here`);
  }
}
