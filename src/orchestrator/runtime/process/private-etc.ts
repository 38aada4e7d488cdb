import type { SiteOwner } from "./site-owner.ts";

/** The user that a program is inside its sandbox, whoever it is outside. */
export const insideUser: SiteOwner = { uid: 1000, gid: 1000 };

/** The `resolv.conf` of sites that may connect to the outside, in the folder of the others. */
export const egressResolverFile = "resolv.conf.egress";

/** The files of a sandbox's own `/etc`: one user, no name server (most have no network to ask one). */
export const etcFiles: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\nsite:x:${insideUser.uid}:${insideUser.gid}:site:/site/.home:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
  group: `root:x:0:\nsite:x:${insideUser.gid}:\nnogroup:x:65534:\n`,
  hosts: "127.0.0.1 localhost site\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  "resolv.conf": "# There is no network here.\n",
  "host.conf": "multi on\n",
};
