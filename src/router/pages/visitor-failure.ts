import { Failure } from "#contract/failure.ts";

/**
 * What anybody may hear of a failure. What a program printed (a stack, with whatever secret stands in it) and what an engine says of an image
 * are for those who may read the site's log. Pure.
 */
export function visitorFailure(failure: Failure): Failure {
  switch (failure.code) {
    case "site_crashed": {
      const { cause } = failure.details;
      // Its `reason` has the program's last line; an orchestrator that does not tell the cause apart has said nothing that could be shown.
      return new Failure("site_crashed", { reason: typeof cause === "string" ? cause : "its log says why" }, { cause: failure });
    }
    case "image_unusable":
      return new Failure("site_crashed", { reason: "its image cannot be used" }, { cause: failure });
    default:
      return failure;
  }
}
