import { lchownSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import type { SiteOwner } from "../process/site-owner.ts";
import { inside, mountsOf, sitePort, waitToBegin } from "./container-plan.ts";
import type { ImageVolumes } from "./image-volumes.ts";

// The file server of a static site that has one of its own: nginx, which sees nothing of the site but `public`.

/** Of nobody: what nginx is and has inside its container is not the site's, so that no link of the site leads there. */
const serverUid = 65_534;
const publicFolder = `${inside.site}/public`;

/** A folder that cannot be exchanged for another unnoticed. */
export interface MarkedFolder {
  readonly path: string;
  /** Its device and its number there, as `stat` says them. */
  readonly mark: string;
}

/** `public` of a site, made where it is missing. @throws {Failure} `public_not_folder` when it leads elsewhere. */
export function publicOf(folder: string, owner: SiteOwner | null): MarkedFolder {
  const path = join(folder, "public");
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) {
    mkdirSync(path, { mode: 0o770 });
    if (owner !== null) lchownSync(path, owner.uid, owner.gid);
    return publicOf(folder, owner);
  }
  if (!found.isDirectory()) throw new Failure("public_not_folder");
  return { path, mark: `${found.dev}:${found.ino}` };
}

/** What is otherwise in its container than in one of a program. */
export function staticServerParts(given: {
  readonly files: MarkedFolder;
  readonly owner: SiteOwner | null;
  readonly memoryBytes: number;
  readonly declared: ImageVolumes;
}): Pick<Docker.ContainerSpec, "Command" | "Env" | "Dir" | "User" | "Mounts"> {
  const { files, owner, memoryBytes, declared } = given;
  return {
    Command: ["/bin/sh", "-c", staticEntryScript],
    Env: [`NGINX_CONFIG=${staticServerConfig}`, `PUBLIC_MARK=${files.mark}`],
    Dir: "/",
    User: `${serverUid}:${owner?.gid ?? serverUid}`,
    // The engine's own type lacks nothing of these but says less exactly what may be left out.
    Mounts: mountsOf([{ source: files.path, target: publicFolder, isWritable: false }], memoryBytes, declared) as Docker.MountSettings[],
  };
}

/** Nothing is served before it is sure that the engine mounted the folder that was looked at: whoever may write to the site could have exchanged it for a link. */
export const staticEntryScript = [
  waitToBegin,
  `if [ "$(stat -c %d:%i ${publicFolder})" != "$PUBLIC_MARK" ]; then`,
  '  echo "The folder public was exchanged while the file server started." >&2',
  "  exit 1",
  "fi",
  'printf %s "$NGINX_CONFIG" >/tmp/nginx.conf',
  "exec nginx -e stderr -c /tmp/nginx.conf",
].join("\n");

/**
 * The same for every site. Links are followed to what the same user owns, and all that a site's user owns in this container is in `public`.
 * Files of the image, of the kernel and of nginx are others'.
 */
export const staticServerConfig = `daemon off;
pid /tmp/nginx.pid;
error_log stderr crit;
worker_processes 1;
events { worker_connections 1024; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  charset utf-8;
  access_log off;
  log_not_found off;
  server_tokens off;
  sendfile on;
  etag on;
  absolute_redirect off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen ${sitePort} default_server;
    root ${publicFolder};
    index index.html;
    autoindex off;
    disable_symlinks if_not_owner from=${publicFolder};
    error_page 404 /404.html;
    error_page 403 =404 /404.html;
    add_header Cache-Control no-cache;
    add_header X-Content-Type-Options nosniff;
    location / { limit_except GET { deny all; } }
    location ~ "^/\\.(?!well-known/)|./\\." { return 404; }
  }
}
`;
