import { mimes } from "mrmime";
import { contentTypeOf } from "../../static/representation.ts";

/** Everything that the static server's configuration is made of. */
export interface NginxFacts {
  /** The folder that holds the sites' folders. */
  readonly sitesFolder: string;
  /** The unix socket at which HAProxy reaches it. */
  readonly socket: string;
  /** Its own folder, for its pid and what it never needs. */
  readonly folder: string;
  readonly workers: number;
  readonly connections: number;
  readonly openFiles: number;
}

/**
 * nginx's whole configuration: one for all sites. It serves files below `public/` that are reached through no link of the site's, since it cannot
 * tell links that stay inside from others; HAProxy asks the activator for those, and for whatever else is not there. Links above the site's folder
 * are the administrator's, and each folder that is looked at costs every request. Pure.
 */
export function nginxConfig(facts: NginxFacts): string {
  const sites = quoted(facts.sitesFolder);
  const folder = quoted(facts.folder);
  return `daemon off;
pid "${folder}/nginx.pid";
pcre_jit on;
error_log "${folder}/nginx.log" crit;
worker_processes ${facts.workers};
worker_rlimit_nofile ${facts.openFiles};
events { worker_connections ${facts.connections}; }
http {
  access_log off;
  log_not_found off;
  server_tokens off;
  sendfile on;
  etag on;
  absolute_redirect off;
  merge_slashes off;
  keepalive_requests 1000000;
  keepalive_timeout 75s;
  client_body_temp_path "${folder}/body";
  proxy_temp_path "${folder}/proxy";
  fastcgi_temp_path "${folder}/fastcgi";
  uwsgi_temp_path "${folder}/uwsgi";
  scgi_temp_path "${folder}/scgi";
  default_type application/octet-stream;
  types {
${typeLines()}
  }
  map $http_x_site_root $site_folder {
    default "";
    "~^(?<outer>[0-9]{2,7})(?<inner>[0-9]{2})$" "$outer/$inner";
  }
  server {
    listen "unix:${quoted(facts.socket)}" default_server;
    root "${sites}/$site_folder/public";
    index index.html;
    autoindex off;
    disable_symlinks on "from=${sites}/$site_folder";
    add_header Cache-Control no-cache;
    add_header X-Content-Type-Options nosniff;
    if ($site_folder = "") { return 404; }
    location / { limit_except GET { deny all; } }
    location ~ "^/\\.(?!well-known/)|./\\." { return 404; }
  }
}
`;
}

// The same types as the embedded server's, whose words for text name the character set.
function typeLines(): string {
  const endings = new Map<string, string[]>();
  for (const ending of Object.keys(mimes)) {
    const type = contentTypeOf(`a.${ending}`);
    endings.set(type, [...(endings.get(type) ?? []), ending]);
  }
  return [...endings].map(([type, names]) => `    "${type}" ${names.join(" ")};`).join("\n");
}

// A dollar sign would begin a variable, in quotes too, and nginx has no way to write one.
function quoted(path: string): string {
  if (/[$"\\\n\r;{}]/.test(path)) throw new Error(`nginx cannot be told of the folder ${path}: choose one without $, ", \\, ;, { and }`);
  return path;
}
