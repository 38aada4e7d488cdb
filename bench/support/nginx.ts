import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/site-program.ts";
import type { BenchChild } from "./bench-child.ts";

/** nginx with one worker, as a proxy before the upstream and over a folder of files; null where it is not installed. */
export async function startNginx(upstream: string, root: string): Promise<BenchChild | null> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-nginx-"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration({ folder, port, upstream: new URL(upstream).host, root }));
  const child = spawn("nginx", ["-p", folder, "-c", file, "-e", join(folder, "error.log")], { stdio: "ignore" });
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  if (!(await hasStarted(child, port))) {
    await remove();
    return null;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      await remove();
    },
  };
}

async function hasStarted(child: ChildProcess, port: number): Promise<boolean> {
  let isGone = false;
  child.on("error", () => {
    isGone = true;
  });
  child.on("exit", () => {
    isGone = true;
  });
  while (!isGone) {
    const reply = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    await reply?.body?.cancel();
    if (reply !== null) return true;
    await delay(20);
  }
  return false;
}

// One process, so that what it uses of the machine stands in one place; connections to the upstream are kept, as in the router.
function configuration(facts: { readonly folder: string; readonly port: number; readonly upstream: string; readonly root: string }): string {
  const { folder, port, upstream, root } = facts;
  return `daemon off; master_process off; pid ${folder}/pid;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; keepalive_requests 100000000;
  proxy_cache_path ${folder}/kept levels=1:2 keys_zone=kept:10m max_size=64m use_temp_path=off;
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  upstream program { server ${upstream}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    server_name app.localhost;
    location / {
      proxy_pass http://program; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
  server {
    listen 127.0.0.1:${port};
    server_name cached.localhost;
    location / {
      proxy_pass http://program; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_cache kept; proxy_cache_valid 200 1h; proxy_cache_lock on; add_header X-Cache $upstream_cache_status;
    }
  }
  server { listen 127.0.0.1:${port}; server_name static.localhost; root ${root}; }
}
`;
}
