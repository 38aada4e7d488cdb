// Images from programs of this machine and the libraries that they name, without a registry.

import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type Docker from "dockerode";
import { findProgram } from "#orchestrator/runtime/process/machine-programs.ts";
import { mustRun } from "#orchestrator/runtime/process/run-command.ts";

/** Has a shell and what belongs to it. */
export const plainImage = "backlot-test/plain:1";
/** Has Node besides. */
export const nodeImage = "backlot-test/node:1";
/** Has nothing but a program that is no shell. */
export const shellessImage = "backlot-test/shell-less:1";

/** Like the plain one, but calls itself ill at once and ever after. */
export const illImage = "backlot-test/ill:1";
/** Like the plain one, and keeps two folders outside of itself. */
export const volumeImage = "backlot-test/volume:1";
/** Like the plain one, and wants a folder in the middle of the site's. */
export const hidingImage = "backlot-test/hiding:1";
const changes: Readonly<Record<string, string>> = {
  [illImage]: "HEALTHCHECK --interval=1s --retries=1 CMD false",
  [volumeImage]: 'VOLUME ["/data", "/var/lib/app"]',
  [hidingImage]: 'VOLUME ["/site/data"]',
};
/** Has nginx, a shell and what belongs to it. */
export const nginxImage = "backlot-test/nginx:1";

/** Brings images into an engine. */
export async function importImages(docker: Docker, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const root = mkdtempSync(join(tmpdir(), "backlot-image-"));
    try {
      await fill(root, name);
      await importFolder(docker, root, name);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
}

async function fill(root: string, name: string): Promise<void> {
  for (const folder of ["bin", "usr/bin", "etc", "dev", "proc", "sys", "run", "site", "homedir", "scripts", "tmp"])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  const busybox = findProgram("busybox") ?? "/bin/busybox";
  copyFileSync(realpathSync(busybox), join(root, "bin/busybox"));
  if (name === shellessImage) return;
  const applets = (await mustRun([busybox, "--list"])).split("\n").filter((applet) => applet !== "" && applet !== "busybox");
  for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
  if (name === nginxImage) {
    mkdirSync(join(root, "usr/sbin"), { recursive: true });
    await addProgram(root, findProgram("nginx") ?? "/usr/sbin/nginx", "/usr/sbin/nginx");
    mkdirSync(join(root, "etc/nginx"));
    copyFileSync("/etc/nginx/mime.types", join(root, "etc/nginx/mime.types"));
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  }
  if (name === nodeImage) await addProgram(root, realpathSync(process.execPath), "/usr/bin/node");
}

async function addProgram(root: string, program: string, target: string): Promise<void> {
  copyFileSync(program, join(root, target));
  const libraries = await mustRun([findProgram("ldd") ?? "ldd", program]);
  for (const [library] of libraries.matchAll(/\/\S+/g)) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

async function importFolder(docker: Docker, root: string, name: string): Promise<void> {
  const tar = spawn(findProgram("tar") ?? "tar", ["-C", root, "-c", "."], { stdio: ["ignore", "pipe", "inherit"], env: {} });
  const [repo = "", tag = ""] = name.split(":");
  const answer = await docker.importImage(tar.stdout, { repo, tag, ...(name in changes ? { changes: changes[name] } : {}) });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(answer, (error) => (error === null ? resolve() : reject(error)));
  });
}
