import { expect, it } from "vitest";
import { spareMounts } from "./spare-mounts.ts";

const mountinfo = [
  "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
  "23 22 0:5 / /dev rw - devtmpfs devtmpfs rw",
  "24 23 0:20 / /dev/pts rw - devpts devpts rw",
  "25 22 0:21 / /proc rw - proc proc rw",
  "26 25 0:21 /sys /proc/sys ro - proc proc rw",
  "27 22 0:22 / /sys rw - sysfs sysfs rw",
  "28 27 0:23 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
  "29 22 0:24 / /var rw - ext4 /dev/vdb rw",
  "30 29 0:25 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw",
  "31 29 0:26 / /var/lib/backlot/sites/00 rw - nfs server:/sites rw",
  "32 22 0:27 / /mnt/a\\040disk rw - ext4 /dev/vdc rw",
  "33 22 0:28 / /usr/local rw - ext4 /dev/vdd rw",
  "34 22 0:29 / /run rw - tmpfs tmpfs rw",
  "35 34 0:30 / /run/backlot-a/sites rw - ext4 /dev/vda rw",
  "36 22 0:31 / /usrlocal rw - ext4 /dev/vde rw",
  "",
].join("\n");

it("names what no launcher needs, the deepest first, and leaves what lies above and below what they do", () => {
  expect(spareMounts(mountinfo, ["/run/backlot-a", "/var/lib/backlot/sites"])).toEqual([
    "/usrlocal",
    "/mnt/a disk",
    "/var/lib/docker/overlay2/abc/merged",
    "/sys/fs/cgroup",
    "/sys",
  ]);
});
