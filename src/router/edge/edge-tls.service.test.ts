import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { edgeMissing, type HostedProgram, type SiteHost, startEdgeRouter, startHostedProgram, takeSiteHost } from "../../../test/support/edge-router.ts";
import { aRoute, putFile, type RouterHarness } from "../../../test/support/router-harness.ts";
import { freePort } from "../../../test/support/site-program.ts";

const run = promisify(execFile);
const lacking = ["openssl", "curl"].find((program) => spawnSync(program, ["version"]).error !== undefined);
const missing = edgeMissing() ?? (lacking === undefined ? null : `${lacking} is not installed`);
const app = aRoute({ siteId: 8, name: "app", hosts: ["app.example.org"] });
const pages = aRoute({ siteId: 105, name: "pages", kind: "static", hosts: ["pages.example.org", "other.example.org"] });

interface Answer {
  readonly status: string;
  readonly version: string;
  readonly location: string;
  readonly text: string;
}

describe.skipIf(missing !== null)(`TLS at HAProxy${missing === null ? "" : ` (${missing})`}`, { timeout: 60_000 }, () => {
  let certificates: string;
  let host: SiteHost;
  let program: HostedProgram;
  let router: RouterHarness;
  let port: number;

  /** A certificate of its own, and what vouches for it. */
  const certify = async (name: string): Promise<void> => {
    const [key, certificate] = [path.join(certificates, "..", `${name}.key`), path.join(certificates, "..", `${name}.crt`)];
    const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
    await run("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate, ...subject]);
    await writeFile(path.join(certificates, `${name}.pem`), `${await readFile(certificate, "utf8")}${await readFile(key, "utf8")}`, { mode: 0o600 });
  };

  const curl = async (url: string, ...more: readonly string[]): Promise<Answer> => {
    const { hostname, port: at } = new URL(url);
    const trusted = path.join(certificates, "..", `${hostname}.crt`);
    const told = "\n%{http_code} %{http_version} %{redirect_url}";
    const options = ["--silent", "--show-error", "--max-time", "20", "--cacert", trusted, "--resolve", `${hostname}:${at}:127.0.0.1`, "--write-out", told];
    const { stdout } = await run("curl", [...options, ...more, url]);
    const [status = "", version = "", location = ""] = stdout.slice(stdout.lastIndexOf("\n") + 1).split(" ");
    return { status, version, location, text: stdout.slice(0, stdout.lastIndexOf("\n")) };
  };
  const tls = (name: string, at = "/"): string => `https://${name}:${port}${at}`;

  beforeAll(async () => {
    certificates = path.join(await mkdtemp(path.join(tmpdir(), "backlot tls-")), "certificates");
    await run("mkdir", [certificates]);
    await Promise.all([certify("app.example.org"), certify("pages.example.org")]);
    host = takeSiteHost();
    program = await startHostedProgram(host.address, (req, res) => {
      req.resume().on("end", () => res.end(JSON.stringify({ url: req.url, headers: req.headers })));
    });
    port = await freePort();
    const environment = { BACKLOT_EDGE_TLS_FOLDER: certificates, BACKLOT_EDGE_TLS_PORT: String(port), BACKLOT_EDGE_TLS_REDIRECT: "true" };
    router = await startEdgeRouter([app, pages], { environment });
    router.orchestrator.onWake = () => ({ address: program.address, instance: "one" });
    await putFile(router, 105, "public/index.html", "<h1>hello</h1>");
  }, 60_000);
  afterAll(async () => {
    await router?.[Symbol.asyncDispose]();
    await program?.stop();
    host?.[Symbol.dispose]();
    if (certificates !== undefined) await rm(path.dirname(certificates), { recursive: true });
  });

  test("each host has its own certificate, HTTP/2 is spoken, and files come from nginx over it", async () => {
    for (const [flag, version] of [
      ["--http2", "2"],
      ["--http1.1", "1.1"],
    ] as const) {
      const page = await curl(tls("pages.example.org"), flag);
      expect(page).toEqual({ status: "200", version, location: "", text: "<h1>hello</h1>" });
    }
    // curl itself refuses one of another name.
    await expect(curl(tls("pages.example.org"), "--cacert", path.join(certificates, "..", "app.example.org.crt"))).rejects.toThrow(/certificate/);
    await expect(curl(tls("pages.example.org"), "--tls-max", "1.1")).rejects.toThrow();
  });

  test("a program is asked past the router over HTTP/2 too, and hears that the visitor came by TLS, whatever the visitor says", async () => {
    const ask = async (...more: readonly string[]) => {
      const { status, text } = await curl(tls("app.example.org", "/a?b=c"), "--http2", "-H", "X-Forwarded-Proto: gopher", ...more);
      const { url, headers } = JSON.parse(text) as { readonly url: string; readonly headers: Record<string, string> };
      return {
        status,
        url,
        proto: headers["x-forwarded-proto"],
        host: headers["x-forwarded-host"],
        isDirect: headers["x-backlot-address"] !== undefined,
        headers,
      };
    };
    const expected = { status: "200", url: "/a?b=c", proto: "https", host: `app.example.org:${port}` };
    expect(await ask()).toMatchObject(expected);
    await expect.poll(async () => (await ask()).isDirect, { timeout: 20_000 }).toBe(true);
    expect(await ask()).toMatchObject(expected);
    expect(await ask("--data", "x".repeat(5000))).toMatchObject(expected);
    // The dashboard's cookie of a place with TLS goes to no site either.
    const { headers } = await ask("-H", "Cookie: a=1; __Host-backlot_session=secret; b=2");
    expect(headers.cookie).toBe("a=1; b=2");
  });

  test("who comes without TLS is sent there, but for proofs that a certificate is asked for with", async () => {
    const door = `http://app.example.org:${new URL(router.door).port}`;
    expect(await curl(`${door}/a?b=c`)).toMatchObject({ status: "307", location: `https://app.example.org:${port}/a?b=c` });
    expect(await curl(`${door}/.well-known/acme-challenge/x`)).toMatchObject({ status: "200", location: "" });
    expect((await curl(`${door}/`, "-H", "Host: evil.example\\@x")).location).toBe("");
  });

  test("a router that finds other certificates gives them to HAProxy when it is started again", async () => {
    await certify("other.example.org");
    await expect(curl(tls("other.example.org"))).rejects.toThrow(/certificate/);
    await router.restart();
    await expect.poll(() => curl(tls("other.example.org")).then(({ text }) => text, String), { timeout: 20_000 }).toBe("<h1>hello</h1>");
  });

  test("a folder without certificates, or none at all, is refused in words before anything is opened", async () => {
    const empty = await mkdtemp(path.join(tmpdir(), "backlot-none-"));
    for (const [folder, words] of [
      [empty, "there is no certificate in"],
      [path.join(empty, "absent"), "ENOENT"],
    ] as const) {
      const started = startEdgeRouter([], { environment: { BACKLOT_EDGE_TLS_FOLDER: folder } });
      await expect(started).rejects.toThrow(ConfigError);
      await expect(started).rejects.toThrow(words);
    }
    await writeFile(path.join(empty, "broken.pem"), "no certificate");
    await expect(startEdgeRouter([], { environment: { BACKLOT_EDGE_TLS_FOLDER: empty } })).rejects.toThrow("BACKLOT_HAPROXY");
    await rm(empty, { recursive: true });
  });
});
