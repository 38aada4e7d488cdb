import { readLines } from "#contract/events.ts";
import { Failure } from "#contract/failure.ts";
import { awaitRun, type RunOutput, readRunLog, runOutput } from "#contract/internal/runs.ts";
import { isTaskEnded, type LogStream } from "#contract/task.ts";
import type { Actor } from "#core/accounts/user.ts";
import type { ActorTask, TaskStore } from "#core/tasks/task-store.ts";
import type { ComponentClient } from "#kit/component-client.ts";
import type { Hints } from "#kit/hints.ts";

/** What reading output needs. */
export interface TaskOutputDeps {
  readonly tasks: TaskStore;
  readonly orchestrator: ComponentClient;
  /** Woken with a task's uid at each of its changes. */
  readonly hints: Hints;
}

/** Which output, from where on, for whom. */
export interface OutputRequest {
  readonly actor: Actor;
  readonly task: ActorTask;
  readonly stream: LogStream;
  /** Bytes; negative: before the end. */
  readonly offset: number;
  /** The attempt that the offset counts the output of; left out by those who do not know. */
  readonly attempt?: number | undefined;
  readonly signal: AbortSignal;
}

/** A hint may be lost, and an orchestrator may be away; looking this often makes up for it. */
const lookEveryMs = 2_000;
/** How often an orchestrator that is away is asked for the output of a task that has ended. */
const lastTries = 5;

/** Output as it is there now. `next` is known before the first byte of `text`, and is exactly where it ends. */
export async function outputSoFar(deps: TaskOutputDeps, request: OutputRequest): Promise<{ readonly next: number; readonly text: AsyncIterable<string> }> {
  const { task, stream, signal } = request;
  const nothing = { next: 0, text: texts([], 0) };
  if (task.attempt === 0) return nothing;
  const params = { uid: task.uid };
  try {
    const run = await behalfOf(deps, request).call(awaitRun, { params, query: { waitMs: 0 }, signal });
    const next = stream === "stdout" ? run.stdoutBytes : run.stderrBytes;
    return { next, text: texts(await pieces(deps, request, { offset: request.offset, follow: false }), next) };
  } catch (error) {
    // Not begun yet, never begun, or so long ago that it was cleared away.
    if (isUnknown(error)) return nothing;
    throw error;
  }
}

/** Output as it is there and as it comes, until the task has ended; a task that waits is waited for, and so is an orchestrator that is away. */
export async function* followOutput(deps: TaskOutputDeps, request: OutputRequest): AsyncGenerator<FollowedOutput> {
  const { actor, signal } = request;
  const { uid } = request.task;
  let place: Place = { attempt: request.attempt ?? null, offset: request.offset };
  let triesLeft = lastTries;
  while (!signal.aborted) {
    const news = deps.hints.wait(uid, { maxMs: lookEveryMs, signal });
    const task = await deps.tasks.forActor(actor, uid);
    if (task === null) return;
    const isEnded = isTaskEnded(task.state);
    try {
      if (task.attempt > 0) {
        const now = await placeNow(deps, request, place);
        place = now;
        for await (const piece of await pieces(deps, request, { offset: place.offset, follow: true })) {
          yield { ...piece, attempt: now.attempt };
          place = { ...place, offset: piece.next };
        }
      }
      // Ended before it was read: nothing more can come.
      if (isEnded) return;
    } catch (error) {
      if (signal.aborted) return;
      if (isUnknown(error) && isEnded) return;
      if (!isUnknown(error) && !isAway(error)) throw error;
      triesLeft -= isEnded ? 1 : 0;
      if (triesLeft === 0) return;
    }
    await news;
  }
}

/** A piece, and the attempt whose output it is. */
export interface FollowedOutput extends RunOutput {
  readonly attempt: number;
}

/** Where a reader stands. Offsets count the output of one attempt: each begins anew. */
interface Place {
  /** Null until the first look. */
  readonly attempt: number | null;
  readonly offset: number;
}

/** Asked of the orchestrator, since the row may be of another moment than the output. */
async function placeNow(deps: TaskOutputDeps, request: OutputRequest, { attempt, offset }: Place): Promise<Place & { readonly attempt: number }> {
  const run = await behalfOf(deps, request).call(awaitRun, { params: { uid: request.task.uid }, query: { waitMs: 0 }, signal: request.signal });
  const written = request.stream === "stdout" ? run.stdoutBytes : run.stderrBytes;
  // Whoever comes back with more than there is has read an attempt before this one.
  const isAnother = attempt === null ? offset > written : run.attempt !== attempt;
  return { attempt: run.attempt, offset: isAnother ? 0 : offset };
}

async function pieces(
  deps: TaskOutputDeps,
  request: OutputRequest,
  query: { readonly offset: number; readonly follow: boolean },
): Promise<AsyncIterable<RunOutput>> {
  const { task, stream, signal } = request;
  const response = await behalfOf(deps, request).fetch(readRunLog, { params: { uid: task.uid, stream }, query, signal });
  return parsed(response.body);
}

function behalfOf({ orchestrator }: TaskOutputDeps, { actor }: OutputRequest) {
  return orchestrator.on({ user: actor.user.id, userEpoch: actor.user.epoch });
}

async function* parsed(body: ReadableStream<Uint8Array> | null): AsyncGenerator<RunOutput> {
  if (body === null) return;
  for await (const line of readLines(body)) if (line !== "") yield runOutput.parse(JSON.parse(line));
}

/** The text of all pieces up to a place. What was written after that place was looked up belongs to the next request. */
async function* texts(source: AsyncIterable<RunOutput> | Iterable<RunOutput>, end: number): AsyncGenerator<string> {
  for await (const piece of source) {
    if (piece.skipped > 0) yield `\n[backlot] ${piece.skipped} bytes were not kept here.\n`;
    const excess = piece.next - end;
    yield excess > 0 ? withoutLast(piece.text, excess) : piece.text;
    if (excess >= 0) return;
  }
}

function withoutLast(text: string, bytes: number): string {
  const all = Buffer.from(text);
  let end = Math.max(0, all.length - bytes);
  // Not in the middle of a character.
  while (end > 0 && ((all[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return all.subarray(0, end).toString();
}

function isUnknown(error: unknown): boolean {
  return error instanceof Failure && error.code === "run_not_found";
}

/** A connection that is cut in the middle of a stream comes as fetch's own TypeError. */
function isAway(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Failure && error.code === "component_away");
}
