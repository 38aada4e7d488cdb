import type { Failure } from "#contract/failure.ts";
import type { Target } from "./target.ts";

/** A request on its way to a site's program. */
export interface Visitor {
  /** The visitor has left; nobody waits for the answer. */
  readonly isGone: boolean;
  /** It is a visit: a site without a program may be woken for it. Costs a little: asked only where there is none. */
  readonly mayWake: boolean;
  /** Go on to this instance; the gate counts the request as in flight until `leave`. */
  admit(target: Target): void;
  /** There is no instance to go to. */
  refuse(failure: Failure): void;
}

interface Waiting {
  readonly visitor: Visitor;
  readonly deadlineAt: number;
}

/** Requests that wait for their site's program, first come first. */
export class WaitingVisitors {
  #waiting: Waiting[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  /** Somebody is there for whom the site may be woken. */
  get hasWaker(): boolean {
    return this.#waiting.some(({ visitor }) => !visitor.isGone && visitor.mayWake);
  }

  add(visitor: Visitor, deadlineAt: number): void {
    this.#waiting.push({ visitor, deadlineAt });
  }

  /** The next one who is still there. */
  next(): Visitor | undefined {
    for (let first = this.#waiting.shift(); first !== undefined; first = this.#waiting.shift()) if (!first.visitor.isGone) return first.visitor;
    return undefined;
  }

  /** Forgets those who have left, and refuses those who have waited too long. */
  sweep(now: number, tooLong: () => Failure): void {
    const isOverdue = ({ visitor, deadlineAt }: Waiting): boolean => visitor.isGone || now >= deadlineAt;
    const overdue = this.#waiting.filter(isOverdue);
    if (overdue.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !isOverdue(waiting));
    for (const { visitor } of overdue) if (!visitor.isGone) visitor.refuse(tooLong());
  }

  refuseAll(failure: Failure): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { visitor } of waiting) if (!visitor.isGone) visitor.refuse(failure);
  }
}
