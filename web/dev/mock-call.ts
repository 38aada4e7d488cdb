import type { IncomingMessage, ServerResponse } from "node:http";
import type { MockWorld } from "./mock-world.ts";

/** What a handler of the pretended manager works with. It returns the JSON answer, or ends the response itself. */
export interface MockCall {
  readonly world: MockWorld;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed by the endpoint's own schema; handlers know which one it was. */
  readonly body: unknown;
  readonly bytes: Uint8Array;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}
export type MockHandler = (call: MockCall) => unknown;
