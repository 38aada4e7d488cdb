import { expect, test } from "vitest";
import { OctetCounted, parseSyslogMessage } from "./syslog-message.ts";

test("both kinds of syslog messages are read", () => {
  const modern = '<134>1 2026-11-22T09:07:29.776192+00:00 - haproxy 8706 - - {"s":200}';
  expect(parseSyslogMessage(modern)).toEqual({ program: "haproxy", time: "2026-11-22T09:07:29.776192+00:00", text: '{"s":200}' });
  expect(parseSyslogMessage('<134>1 2026-11-22T09:07:29Z host haproxy 1 id [a@1 b="x \\] y"][c@1] text\n')).toEqual({
    program: "haproxy",
    time: "2026-11-22T09:07:29Z",
    text: "text",
  });
  expect(parseSyslogMessage("<134>Nov  2 09:07:29 haproxy[8706]: text of it")).toEqual({ program: "haproxy", time: "", text: "text of it" });
  expect(parseSyslogMessage("<134>Nov 22 09:07:29 host haproxy[8706]: text")).toEqual({ program: "haproxy", time: "", text: "text" });
  for (const odd of ["", "text", "<134>", "<134>2 x", "<9999>1 a b c d e - f"]) expect(parseSyslogMessage(odd)).toBeNull();
});

test("a stream is cut into messages wherever its pieces end, bytes counted and not characters", () => {
  const stream = Buffer.from("5 hello7 zw\u00f6lf!1 x12 with 3 parts");
  for (let size = 1; size <= stream.length; size += 1) {
    const frames = new OctetCounted();
    const messages: string[] = [];
    for (let at = 0; at < stream.length; at += size) messages.push(...frames.take(stream.subarray(at, at + size)));
    expect(messages).toEqual(["hello", "zw\u00f6lf!", "x", "with 3 parts"]);
  }
});

test.each(["x hello", "0 ", "-1 x", "999999 x", "12345678", " x"])("a stream that does not tell lengths is refused: %s", (stream) => {
  expect(() => new OctetCounted().take(Buffer.from(stream))).toThrow("lengths");
});
