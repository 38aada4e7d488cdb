import { access } from "node:fs/promises";
import type { Check } from "./check.ts";
import { tryProgram } from "./try-program.ts";

/** How idle programs are brought to a halt here, as the process runtime would. */
export async function checkFreezing(mounts: string): Promise<Check> {
  const name = "freezing";
  const folder = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
  const isWritable =
    folder !== undefined &&
    (await access(folder, 2).then(
      () => true,
      () => false,
    ));
  if (isWritable) return { name, state: "ok", detail: "idle programs are frozen by control groups of version 2" };
  const args = ["--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"];
  if ((await tryProgram("bwrap", args)).isFine) return { name, state: "ok", detail: "idle programs are frozen by signals to every process of their sandbox" };
  return {
    name,
    state: "limited",
    detail: "idle programs cannot be frozen: not all processes of one are known for sure",
    advice: "They run on until they are put to sleep. Install bubblewrap (apt install bubblewrap).",
  };
}
