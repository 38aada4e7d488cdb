import { expect, test } from "vitest";
import { Failure } from "#contract/failure.ts";
import { visitorFailure } from "./visitor-failure.ts";

test.for([
  ["the cause of a crash", new Failure("site_crashed", { reason: "exited 1; last line: secret", cause: "exited 1" }), "exited 1"],
  ["no line of a crash whose cause is not told apart", new Failure("site_crashed", { reason: "exited 1; last line: secret" }), "its log says why"],
  ["no name of an image", new Failure("image_unusable", { image: "registry.example/secret", reason: "secret" }), "its image cannot be used"],
] as const)("a visitor hears %s", ([, failure, reason]) => {
  const told = visitorFailure(failure);
  expect([told.code, told.message, told.details]).toEqual(["site_crashed", `The site's program ended: ${reason}`, { reason }]);
});

test("what is not from the site's own log or settings is told as it is", () => {
  const failure = new Failure("site_starting", { retryAfterSeconds: 5 });
  expect(visitorFailure(failure)).toBe(failure);
});
