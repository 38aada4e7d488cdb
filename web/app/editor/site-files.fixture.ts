type When = "asked" | "answered";

/** A manager that holds one site's files; whoever `holds` it decides when its answers come. */
export class SiteFiles {
  readonly texts = new Map<string, string>();
  /** What was asked, in its order: `GET a.txt`. */
  readonly asked: string[] = [];
  readonly #gates = new Map<string, { readonly when: When; readonly arrived: () => void; readonly opened: Promise<void> }>();
  losesAnswers = false;
  /** Refuses to read anything. */
  isClosed = false;

  /** Holds the next answer of a method, before or after it is made out; gives how to wait for one being held, and how to let it go. */
  hold(method: string, when: When = "asked"): { readonly arrived: Promise<void>; readonly release: () => void } {
    const arrived = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    this.#gates.set(method, { when, arrived: arrived.resolve, opened: opened.promise });
    return { arrived: arrived.promise, release: opened.resolve };
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const path = decodeURIComponent(String(input)).match(/\/files\/(.*)$/)?.[1];
    const method = init?.method ?? "GET";
    if (path === undefined) return Response.json({}, { status: 404 });
    this.asked.push(`${method} ${path}`);
    const gate = this.#gates.get(method);
    this.#gates.delete(method);
    const early = gate?.when === "answered" ? await this.#answer(path, init) : undefined;
    gate?.arrived();
    await gate?.opened;
    const answer = early ?? (await this.#answer(path, init));
    if (this.losesAnswers && method === "PUT") throw new TypeError("Failed to fetch");
    return answer;
  };

  async #answer(path: string, init: RequestInit | undefined): Promise<Response> {
    const headers = new Headers(init?.headers);
    const text = this.texts.get(path);
    const etag = text === undefined ? null : etagOf(text);
    if (init?.method === "PUT") {
      const isRefused = headers.has("if-match") ? headers.get("if-match") !== etag : etag !== null;
      if (isRefused) return refusal(412, "file_changed");
      const next = await new Response(init.body).text();
      this.texts.set(path, next);
      return new Response(null, { status: 204, headers: { etag: etagOf(next) } });
    }
    if (text === undefined || etag === null) return refusal(404, "file_not_found");
    if (this.isClosed) return refusal(409, "file_forbidden");
    if (init?.method === "POST") return this.#move(path, text, await new Response(init.body).json());
    if (headers.get("if-none-match") === etag) return new Response(null, { status: 304 });
    return new Response(text, { headers: { etag, "content-length": String(text.length) } });
  }

  #move(path: string, text: string, { move }: { readonly move: string }): Response {
    if (this.texts.has(move)) return refusal(409, "file_exists");
    this.texts.delete(path);
    this.texts.set(move, text);
    return new Response(null, { status: 204 });
  }
}

export const etagOf = (text: string): string => `"${Buffer.from(text).toString("hex")}"`;

function refusal(status: number, code: string): Response {
  return Response.json({ type: "about:blank", title: code, status, code }, { status, headers: { "content-type": "application/problem+json" } });
}
