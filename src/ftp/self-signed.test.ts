import { createPrivateKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { makeSelfSigned, type SelfSigned } from "./self-signed.ts";

const given: SelfSigned = {
  name: "school",
  hosts: ["school", "localhost"],
  addresses: [Buffer.from([127, 0, 0, 1]), Buffer.from("1".padStart(32, "0"), "hex")],
  from: new Date("2026-01-02T03:04:05Z"),
  until: new Date("2049-12-31T23:59:59Z"),
};

test("it says whose it is, for which names and addresses, and for how long", () => {
  const certificate = new X509Certificate(makeSelfSigned(given).certificate);
  expect(certificate).toMatchObject({
    subject: "CN=school",
    issuer: "CN=school",
    subjectAltName: "DNS:school, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    validFrom: "Jan  2 03:04:05 2026 GMT",
    validTo: "Dec 31 23:59:59 2049 GMT",
    ca: true,
  });
  expect([certificate.checkHost("school"), certificate.checkIP("::1"), certificate.checkHost("elsewhere")]).toEqual(["school", "::1", undefined]);
});

test("it is signed by its own key, which is another each time", () => {
  const [one, other] = [makeSelfSigned(given), makeSelfSigned(given)];
  const certificate = new X509Certificate(one.certificate);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(one.key))).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(other.key))).toBe(false);
  expect(new X509Certificate(other.certificate).serialNumber).not.toBe(certificate.serialNumber);
});

test("one that lasts beyond 2049, with so many names that it is long, is read as well", () => {
  const hosts = Array.from({ length: 60 }, (_, index) => `host-${index}.example.org`);
  const certificate = new X509Certificate(makeSelfSigned({ ...given, hosts, until: new Date("2060-06-07T08:09:10Z") }).certificate);
  expect(certificate.validTo).toBe("Jun  7 08:09:10 2060 GMT");
  expect(certificate.checkHost("host-59.example.org")).toBe("host-59.example.org");
  expect(certificate.verify(certificate.publicKey)).toBe(true);
});
