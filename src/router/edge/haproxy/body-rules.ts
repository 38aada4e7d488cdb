/** HTTP/2 tells of a body by its frames: without a length nobody knows beforehand how much will come, or whether anything will. */
const untold = "{ fc_http_major 2 } !{ req.fhdr(content-length) -m found }";
/** Methods that mostly come without a body, which HTTP/2 says together with their heads. */
const mostlyBare = "{ method GET HEAD OPTIONS DELETE }";
/** Part of HAProxy's buffer, in bytes, that the fields of a head may fill, and its address too: there is always room for the first bytes of a body beside them. */
const mostBytes = 5_000;

/**
 * Waits until it is seen whether a bare request is bare. Such a request is at once; one that says neither that it has ended nor anything
 * more is answered 408. Pure.
 */
export function waitForUntold(headMs: number): string {
  return `http-request wait-for-body time ${headMs}ms at-least 1 if ${untold} ${mostlyBare}`;
}

/** Sends bodies of unknown length to the activator, which counts them. Where the head leaves no room to see a body, there may be one. Pure. */
export function untoldToActivator(): readonly string[] {
  return [
    "use_backend activator if { req.fhdr(transfer-encoding) -m found }",
    `use_backend activator if ${untold} !${mostlyBare}`,
    `use_backend activator if ${untold} { req.body_size gt 0 }`,
    `use_backend activator if ${untold} { req.hdrs,length gt ${mostBytes} }`,
    `use_backend activator if ${untold} { url,length gt ${mostBytes} }`,
  ];
}

/** A body above the site's limit. The length is read as text, of which a number of 64 bits is made: `req.hdr_val` has 32, in which 4294967297 is 1. */
export const isTooLong = "{ req.fhdr(content-length),sub(txn.limit) gt 0 }";
