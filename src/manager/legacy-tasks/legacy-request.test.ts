import { describe, expect, it } from "vitest";
import { readLegacyCreate } from "./legacy-request.ts";
import { pythonJson } from "./python-text.ts";
import { parsePythonJson } from "./python-value.ts";

function answerTo(body: unknown): string {
  const read = readLegacyCreate(parsePythonJson(typeof body === "string" ? body : JSON.stringify(body)));
  return "errors" in read ? pythonJson(read.errors) : `${read.create.script} ${pythonJson(read.create.arguments)}`;
}

describe("a request to create a task", () => {
  // Django REST framework's own words; its error objects are what clients of the original show to people.
  it.each([
    [{}, '{"script": ["This field is required."], "arguments": ["This field is required."]}'],
    [{ script: "ls.sh" }, '{"arguments": ["This field is required."]}'],
    [{ arguments: {} }, '{"script": ["This field is required."]}'],
    [{ script: "", arguments: {} }, '{"script": ["This field may not be blank."]}'],
    [{ script: " \t\n\u3000", arguments: {} }, '{"script": ["This field may not be blank."]}'],
    [{ script: null, arguments: null }, '{"script": ["This field may not be null."], "arguments": ["This field may not be null."]}'],
    [{ script: true, arguments: {} }, '{"script": ["Not a valid string."]}'],
    [{ script: [], arguments: {} }, '{"script": ["Not a valid string."]}'],
    [{ script: {}, arguments: {} }, '{"script": ["Not a valid string."]}'],
    [{ script: "ls.sh", arguments: [] }, '{"arguments": ["Expected a dictionary of items but got type \\"list\\"."]}'],
    [{ script: "ls.sh", arguments: "x" }, '{"arguments": ["Expected a dictionary of items but got type \\"str\\"."]}'],
    [{ script: "ls.sh", arguments: 1 }, '{"arguments": ["Expected a dictionary of items but got type \\"int\\"."]}'],
    ['{"script": "ls.sh", "arguments": 1.0}', '{"arguments": ["Expected a dictionary of items but got type \\"float\\"."]}'],
    [{ script: "ls.sh", arguments: false }, '{"arguments": ["Expected a dictionary of items but got type \\"bool\\"."]}'],
    [[], '{"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}'],
    ['"x"', '{"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}'],
    ["5", '{"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}'],
    ["null", '{"non_field_errors": ["No data provided"]}'],
    [{ script: "a\0b", arguments: {} }, '{"script": ["Null characters are not allowed."]}'],
    [{ script: "a\udc00b", arguments: {} }, '{"script": ["Surrogate characters are not allowed: U+DC00."]}'],
    [{ script: "x".repeat(1001), arguments: {} }, '{"script": ["Ensure this field has no more than 1000 characters."]}'],
  ])("%j is refused with %s", (body, expected) => {
    expect(answerTo(body)).toBe(expected);
  });

  it.each([
    [{ script: "touch.sh", arguments: { "": "sample_file.txt" } }, 'touch.sh {"": "sample_file.txt"}'],
    [{ script: "  touch.sh\u00a0\n", arguments: {} }, "touch.sh {}"],
    [{ script: 5, arguments: {} }, "5 {}"],
    ['{"script": 5.0, "arguments": {}}', "5.0 {}"],
    ['{"script": "a", "script": "b", "arguments": {"x": "1"}, "arguments": {}}', "b {}"],
    [{ script: "ls.sh", arguments: { a: [1, { b: null }], c: true } }, 'ls.sh {"a": [1, {"b": null}], "c": true}'],
    [{ script: "x".repeat(60), arguments: { "": "y".repeat(200) } }, `${"x".repeat(60)} {"": "${"y".repeat(200)}"}`],
    // What GET gives can be sent back: the original refused it for its nulls, and took forged results.
    [
      { id: 7, uid: "no", created: 1, script: "ls.sh", arguments: {}, started: null, finished: "x", diskspace_before: null, diskspace_after: [], retcode: "0" },
      "ls.sh {}",
    ],
  ])("%j is taken", (body, expected) => {
    expect(answerTo(body)).toBe(expected);
  });
});
