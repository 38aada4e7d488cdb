/** Tells everybody who is at work to give up, and why; whoever begins later goes on until it is told again. */
export class Withdrawal {
  #controller = new AbortController();

  /** For what begins now. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  withdraw(why: Error): void {
    this.#controller.abort(why);
    this.#controller = new AbortController();
  }
}
