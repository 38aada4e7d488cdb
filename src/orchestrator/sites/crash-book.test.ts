import { describe, expect, it } from "vitest";
import type { Crash } from "./back-off.ts";
import { CrashBook } from "./crash-book.ts";

const policy = { delaysMs: [1_000], wellAfterMs: 60_000, unseenCrashes: 5 };

function crash(at: number, given: Partial<Crash> = {}): Crash {
  return { at, ranMs: 100, cause: { kind: "exit", code: 1 }, lastLine: "boom", ...given };
}

describe("a site's crashes", () => {
  it("keep visitors away for a while, with the reason", () => {
    const book = new CrashBook(policy);
    expect(book.blocking(0)).toBeNull();
    expect(book.note(crash(10_000), [])).toMatchObject({ reason: "exited 1; last line: boom", restartInMs: 1_000 });
    expect(book.blocking(10_999)).toMatchObject({
      code: "site_crashed",
      message: "The site's program ended: exited 1; last line: boom",
      details: { cause: "exited 1" },
    });
    expect(book.blocking(11_000)).toBeNull();
  });

  it("say where the program listens instead", () => {
    const { failure, reason } = new CrashBook(policy).note(crash(0, { cause: { kind: "silent", seconds: 30 } }), ["127.0.0.1:5000"]);
    expect(failure.message).toBe("Nothing listens on $PORT after 30 s: run.sh must listen on $HOST:$PORT (it listens on 127.0.0.1:5000).");
    expect(reason).toContain("(it listens on 127.0.0.1:5000)");
  });

  it("count no more once they are cleared", () => {
    const book = new CrashBook(policy);
    book.note(crash(10_000), []);
    book.clear();
    expect(book.blocking(10_001)).toBeNull();
    expect(book.note(crash(20_000), []).reason).toBe("exited 1; last line: boom");
  });

  it("keep nobody away when the clock was set back", () => {
    const book = new CrashBook(policy);
    book.note(crash(10_000_000), []);
    expect(book.blocking(10_000)).toBeNull();
  });
});
