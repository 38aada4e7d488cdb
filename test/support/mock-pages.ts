import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createMockWorld, type MockWorld } from "../../web/dev/mock-world.ts";
import { serveBuilt } from "../../web/dev/serve-built.ts";
import { Browser } from "./backlot-browser.ts";

/** Stands between the browser and the manager; true for what it has answered itself. */
type Meddle = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The built dashboard in a real browser, before a pretended manager. */
export class MockPages implements AsyncDisposable {
  readonly world: MockWorld = createMockWorld({ signedIn: true, stepMs: 1 });
  readonly browser: Browser;
  readonly #server: Server;
  #meddle: Meddle = () => false;

  private constructor(browser: Browser) {
    this.browser = browser;
    const manager = serveBuilt(this.world);
    this.#server = createServer((request, response) => {
      if (!this.#meddle(request, response)) manager.emit("request", request, response);
    });
  }

  static async open(): Promise<MockPages> {
    const pages = new MockPages(await Browser.open());
    await new Promise<void>((resolve) => pages.#server.listen(0, "127.0.0.1", resolve));
    return pages;
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  meddle(meddle: Meddle): void {
    this.#meddle = meddle;
  }

  letThrough(): void {
    this.#meddle = () => false;
  }

  /** What somebody else asks of the manager meanwhile. */
  async ask(method: "GET" | "PATCH", path: string, body?: object): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${this.base}/api/v1/${path}`, { method, ...(body === undefined ? {} : { headers, body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
    return response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
