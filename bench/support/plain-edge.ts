// What an administrator would write by hand: a HAProxy with a map of all hosts, and an nginx with a server block for each site.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/site-program.ts";

/** A server under measurement. */
export interface PlainServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * HAProxy with a map of so many hosts, and one backend for the program, one for the folder, which nginx serves from a unix socket, and one for the
 * same folder by Backlot's nginx. It writes a log, as anybody's does.
 */
export async function startPlainHaproxy(
  count: number,
  facts: { readonly upstream: string; readonly root: string; readonly nginxSocket: string },
): Promise<PlainServer & { readonly pid: number }> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-plain-"));
  const port = await freePort();
  const nginx = join(folder, "nginx.conf");
  await writeFile(
    nginx,
    `daemon off; pid ${folder}/pid; user root; worker_processes 1; events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 100000000; types { text/plain txt; }
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen unix:${folder}/nginx.sock; root ${facts.root}; } }
`,
  );
  const map = join(folder, "hosts.map");
  const hosts = ["app.localhost program", "static.localhost files", "same.localhost same", ...otherHosts(count).map((name) => `${name} files`)];
  await writeFile(map, `${hosts.join("\n")}\n`);
  const haproxy = join(folder, "haproxy.cfg");
  await writeFile(
    haproxy,
    `global
    nbthread 1
    maxconn 4000
    log 127.0.0.1:${await freePort()} local0
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend visitors
    bind 127.0.0.1:${port}
    option forwardfor
    use_backend %[req.hdr(host),field(1,:),lower,map_str(${map},nobody)]
backend nobody
    http-request return status 404
backend program
    server one ${new URL(facts.upstream).host}
backend files
    server one unix@${folder}/nginx.sock
backend same
    http-request set-header X-Site-Root 0001
    server one unix@${facts.nginxSocket}
`,
  );
  const balancer = spawn("haproxy", ["-db", "-f", haproxy], { stdio: "ignore" });
  const children = [spawn("nginx", ["-p", folder, "-c", nginx, "-e", join(folder, "error.log")], { stdio: "ignore" }), balancer];
  await answers(`http://127.0.0.1:${port}/`, "app.localhost");
  return {
    url: `http://127.0.0.1:${port}`,
    pid: balancer.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      for (const child of children) {
        child.kill();
        if (child.exitCode === null) await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * nginx with a server block for each of so many sites, one of which is the program's and one the folder's; `reloadMs` adds one more and tells when it
 * is seen. It writes no log.
 */
export async function startManyServersNginx(
  count: number,
  facts: { readonly upstream: string; readonly root: string },
): Promise<PlainServer & { readonly pid: number; reloadMs(): Promise<number> }> {
  const { upstream, root } = facts;
  const folder = await mkdtemp(join(tmpdir(), "backlot-servers-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  const write = (names: readonly string[]): Promise<void> =>
    writeFile(
      file,
      `daemon off; pid ${folder}/pid; user root; worker_processes 1; events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 100000000; server_names_hash_max_size 65536; server_names_hash_bucket_size 128; types { text/plain txt; }
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port} default_server; return 404; }
  upstream program { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${port}; server_name app.localhost; location / {
    proxy_pass http://program; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr; } }
  server { listen 127.0.0.1:${port}; server_name static.localhost; root ${root}; }
${names.map((name) => `  server { listen 127.0.0.1:${port}; server_name ${name}; root ${root}; }`).join("\n")}
}
`,
    );
  const names = [...otherHosts(count)];
  await write(names);
  const child = spawn("nginx", ["-p", folder, "-c", file, "-e", join(folder, "error.log")], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await answers(url, "nobody");
  return {
    url,
    pid: await onlyChildOf(child.pid ?? 0),
    reloadMs: async () => {
      const name = `new-${names.length}.localhost`;
      names.push(name);
      const startedAt = performance.now();
      await write(names);
      child.kill("SIGHUP");
      while ((await status(`${url}/file.txt`, name)) !== 200) await delay(1);
      return performance.now() - startedAt;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function otherHosts(count: number): readonly string[] {
  return Array.from({ length: count - 2 }, (_, index) => `site-${index}.localhost`);
}

/** A master's one worker. */
export async function onlyChildOf(pid: number): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")[0]);
}

async function answers(url: string, host: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await status(url, host).catch(() => null)) === null) {
    if (performance.now() > deadline) throw new Error(`${url} does not answer`);
    await delay(20);
  }
}

async function status(url: string, host: string): Promise<number> {
  const { visit } = await import("../../test/support/router-harness.ts");
  const { origin, pathname } = new URL(url);
  return (await visit(origin, { host, path: pathname })).status;
}
