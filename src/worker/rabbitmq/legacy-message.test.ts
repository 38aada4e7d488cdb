import { describe, expect, it } from "vitest";
import { bodyBytes, mostLegacyBytes, readLegacyMessage } from "./legacy-message.ts";

const uid = "604a5e38-06f9-11e9-a0e9-0242ac140004";
const read = (body: string | Buffer) => readLegacyMessage(Buffer.from(body));

describe("a message of the original's clients", () => {
  it("gives its uid, and nothing of the script and its arguments", () => {
    expect(read(`{"uid": "${uid}", "script": "touch.sh", "arguments": ["", "sample_file.txt"]}`)).toEqual({ uid });
    expect(read(JSON.stringify({ uid: uid.toUpperCase() }))).toEqual({ uid });
  });

  it("is read whatever it says of its own kind", () => {
    const body = { uid, script: "ls.sh" };
    for (const given of [body, JSON.stringify(body), Buffer.from(JSON.stringify(body))]) expect(readLegacyMessage(bodyBytes(given))).toEqual({ uid });
  });

  it.each([
    ["", "malformed"],
    ["not json", "malformed"],
    ["[]", "malformed"],
    ["null", "malformed"],
    ['"text"', "malformed"],
    ["{}", "malformed"],
    [Buffer.from([0xff, 0xfe, 0x00]), "malformed"],
    ['{"uid": null}', "no-uuid"],
    ['{"uid": 7}', "no-uuid"],
    ['{"uid": "x\'; drop table tasks"}', "no-uuid"],
    [`{"uid": ["${uid}"]}`, "no-uuid"],
  ])("is refused when it is %j: %s", (body, problem) => {
    expect(read(body)).toMatchObject({ problem });
  });

  it("is not even read when it is too long", () => {
    const body = (length: number) => JSON.stringify({ uid }).padEnd(length, " ");
    expect(read(body(mostLegacyBytes))).toEqual({ uid });
    expect(read(body(mostLegacyBytes + 1))).toEqual({ problem: "oversized", detail: `${mostLegacyBytes + 1} bytes; at most ${mostLegacyBytes}` });
  });
});
