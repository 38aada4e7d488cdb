import { expect, test } from "vitest";
import { nginxConfig } from "./nginx-config.ts";

test("nginx is told of no site, and of no folder that would mean something else to it", async () => {
  const nginx = { sitesFolder: "/srv/our sites", socket: "/run/edge/nginx.sock", folder: "/run/edge/static", workers: 1, connections: 512, openFiles: 4096 };
  const text = nginxConfig(nginx);
  // The types are the embedded server's, and many.
  await expect(text.replace(/types \{[^}]*\}/, "types { … }")).toMatchFileSnapshot("./nginx-config.expected.conf");
  expect(text).toContain('root "/srv/our sites/$site_folder/public";');
  // nginx takes quotes for such only around a whole word.
  expect(text).toContain('disable_symlinks on "from=/srv/our sites/$site_folder";');
  for (const sitesFolder of ['/srv/"; root /', "/srv/$host", "/srv/a;b", "/srv/{", "/srv/\n", "/srv/\\"]) {
    expect(() => nginxConfig({ ...nginx, sitesFolder })).toThrow("choose one without");
  }
});
