import type { CallInput, Client, InputOf } from "#contract/client.ts";
import type { EndpointShape } from "#contract/endpoint.ts";
import { Failure } from "#contract/failure.ts";
import type { ComponentClient } from "#kit/component-client.ts";

/** Ends calls of orchestrators that count as lost. A machine that is gone without a word answers nothing, and a connection to it gives up only after minutes. */
export class CallsUntilLost {
  readonly #ends = new Map<string, AbortController>();

  /** Takes note of the addresses that count as lost now: calls of these end at once, also those to come. */
  note(lost: ReadonlySet<string>): void {
    for (const url of lost) this.#endOf(url).abort(new Failure("component_away", { component: "orchestrator" }));
    for (const [url, end] of this.#ends) if (end.signal.aborted && !lost.has(url)) this.#ends.delete(url);
  }

  /** The client of the orchestrator at this address, whose calls end with `component_away` when it is lost. */
  of(url: string, client: ComponentClient): ComponentClient {
    const given = <E extends EndpointShape>(input: InputOf<E>): InputOf<E> => {
      const { signal } = input as CallInput;
      const lost = this.#endOf(url).signal;
      return { ...input, signal: signal === undefined ? lost : AbortSignal.any([signal, lost]) };
    };
    const until = (plain: Client): Client => ({
      call: (shape, input) => plain.call(shape, given(input)),
      fetch: (shape, input) => plain.fetch(shape, given(input)),
    });
    return { ...until(client), on: (behalf) => until(client.on(behalf)) };
  }

  #endOf(url: string): AbortController {
    const known = this.#ends.get(url) ?? new AbortController();
    this.#ends.set(url, known);
    return known;
  }
}
