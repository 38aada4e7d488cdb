import { expect, test } from "vitest";
import { parseEprt, parsePort, pasvText, plainAddress, refusedDataAddress } from "./data-address.ts";

test("PORT and EPRT are read, and nothing that only looks like them", () => {
  expect(parsePort("127,0,0,1,4,1")).toEqual({ host: "127.0.0.1", port: 1025 });
  for (const bad of ["127,0,0,1,4", "256,0,0,1,4,1", "1,2,3,4,5,6,7", "a", "127.0.0.1,4,1", ""]) expect([bad, parsePort(bad)]).toEqual([bad, undefined]);
  expect(parseEprt("|1|192.0.2.1|6275|")).toEqual({ host: "192.0.2.1", port: 6275 });
  expect(parseEprt("|2|::1|6275|")).toEqual({ host: "::1", port: 6275 });
  expect(parseEprt("|3|x|6275|")).toBe("protocol");
  for (const bad of ["|1|::1|6275|", "|2|127.0.0.1|1|", "|1|127.0.0.1|65536|", "|1|127.0.0.1|1", "", "||||"]) expect(typeof parseEprt(bad)).not.toBe("object");
});
test("data goes to the client's own address and ordinary ports only", () => {
  expect(refusedDataAddress({ host: "127.0.0.1", port: 2000 }, "::ffff:127.0.0.1")).toBeUndefined();
  expect(refusedDataAddress({ host: "192.0.2.7", port: 2000 }, "127.0.0.1")).toMatch(/foreign/);
  expect(refusedDataAddress({ host: "127.0.0.1", port: 25 }, "127.0.0.1")).toMatch(/privileged/);
  expect(plainAddress("0:0:0:0:0:0:0:1")).toBe("::1");
  expect([pasvText("127.0.0.1", 1025), pasvText("::1", 1025)]).toEqual(["127,0,0,1,4,1", undefined]);
});
