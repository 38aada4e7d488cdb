// Each sandbox copies every mount of the namespace that it is made in, and bubblewrap reads the list of them again for each of its own.

/** What every launcher needs of the machine. */
const ordinary = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/dev"];

/** Mount points that no sandbox needs, by the text of `/proc/self/mountinfo`: what lies neither above nor below any path that is needed. Deepest first. */
export function spareMounts(mountinfo: string, needed: readonly string[]): readonly string[] {
  const kept = [...ordinary, ...needed];
  const points = mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4])
    .filter((point) => point !== undefined && point !== "/")
    // The kernel writes spaces and their like as \040.
    .map((point = "") => point.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))));
  return points.filter((point) => !kept.some((path) => isWithin(path, point) || isWithin(point, path))).toReversed();
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
