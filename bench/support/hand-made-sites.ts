// What an administrator would do by hand for a new static site: a folder, its files, a server block, and a reload of nginx.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { visit } from "../../test/support/backlot-visit.ts";
import { whyNoProgram } from "../../test/support/needs.ts";
import { freePort } from "../../test/support/site-program.ts";

/** An nginx to which sites are added by hand. */
export interface HandMadeSites extends AsyncDisposable {
  /** How long it takes from the empty folder to the first 200; in milliseconds. */
  addMs(name: string): Promise<number>;
}

const starter = fileURLToPath(new URL("../../starters/static/", import.meta.url));

/** nginx with no site yet; null where it is not installed. */
export async function startHandMadeSites(): Promise<HandMadeSites | null> {
  if (whyNoProgram("nginx") !== null) return null;
  const folder = await mkdtemp(join(tmpdir(), "backlot-by-hand-"));
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  await mkdir(join(folder, "servers"));
  await writeFile(join(folder, "nginx.conf"), configuration(folder, port));
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")], { stdio: "ignore" });
  await statusOf(address, "nobody", 404);
  return {
    addMs: async (name) => {
      const beganAt = performance.now();
      const site = join(folder, "sites", name);
      await cp(starter, site, { recursive: true });
      const block = `server { listen 127.0.0.1:${port}; server_name ${name}.localhost; root ${site}/public; }\n`;
      await writeFile(join(folder, "servers", `${name}.conf`), block);
      child.kill("SIGHUP");
      await statusOf(address, name, 200);
      return performance.now() - beganAt;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      if (child.exitCode === null) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Asks as the benchmark asks Backlot, until the answer has this status. */
async function statusOf(address: string, name: string, wanted: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  const ask = (): Promise<number> =>
    visit(address, { host: `${name}.localhost`, path: "/" }).then(
      ({ status }) => status,
      () => 0,
    );
  while ((await ask()) !== wanted) {
    if (performance.now() > deadline) throw new Error(`nginx does not answer ${name} with ${wanted}`);
    await delay(2);
  }
}

function configuration(folder: string, port: number): string {
  const user = process.getuid?.() === 0 ? "user root; " : "";
  return `daemon off; pid ${folder}/pid; ${user}worker_processes 1; events { worker_connections 1024; }
http { access_log off; sendfile on; types { text/html html; text/css css; }
  client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { listen 127.0.0.1:${port} default_server; return 404; }
  include ${folder}/servers/*.conf;
}
`;
}
