import type { SiteOwner } from "../process/site-owner.ts";
import { coveredVolumes, type ImageVolumes } from "./image-volumes.ts";

// What every container of ours has in common, whether it is a service's or a disposable one, as values.

/** Where things are inside a container. */
export const inside = {
  site: "/site",
  home: "/site/.home",
  /** Of runs outside of sites. */
  homeFolder: "/homedir",
  library: "/scripts",
} as const;

/**
 * The first line of what starts a site's program: halts itself until its orchestrator lets it go on. By then its port is known not to be one where
 * another site's visitors may still come.
 */
export const waitToBegin = "kill -STOP $$ || exit 126";

/** Every container has a network of its own, so all of them listen on the same port. */
export const sitePort = 8080;

const largestTmpBytes = 64 * 1024 * 1024;
const runBytes = 1024 * 1024;
/** Read, write and execute for all, and only owners delete. */
const stickyMode = 0o1777;
const openFiles = 4096;

/** A mount as the engine wants it, in services and in containers. */
export interface ContainerMount {
  readonly Type: "bind" | "tmpfs";
  readonly Source?: string;
  readonly Target: string;
  readonly ReadOnly?: boolean;
  readonly BindOptions?: { readonly Propagation: "rprivate" };
  readonly TmpfsOptions?: { readonly SizeBytes: number; readonly Mode: number };
}

/** A folder of the host and where it stands inside. */
export interface BoundFolder {
  readonly source: string;
  readonly target: string;
  readonly isWritable: boolean;
}

/**
 * The folders, and memory for `/tmp`, `/dev/shm`, `/run` and the image's volumes: what lies there counts as the program's memory, so it is bounded by that.
 * @throws {Failure} `image_unusable` when the image's volumes are in the way
 */
export function mountsOf(folders: readonly BoundFolder[], memoryBytes: number, declared: ImageVolumes): readonly ContainerMount[] {
  const tmpBytes = Math.min(largestTmpBytes, Math.floor(memoryBytes / 2));
  const memory = (target: string, bytes: number): ContainerMount => ({
    Type: "tmpfs",
    Target: target,
    TmpfsOptions: { SizeBytes: bytes, Mode: stickyMode },
  });
  const own = [memory("/tmp", tmpBytes), memory("/dev/shm", tmpBytes), memory("/run", runBytes)];
  const volumes = coveredVolumes(declared, { folders: folders.map(({ target }) => target), memory: own.map(({ Target: target }) => target) });
  return [
    ...folders.map(
      ({ source, target, isWritable }): ContainerMount => ({
        Type: "bind",
        Source: source,
        Target: target,
        ReadOnly: !isWritable,
        // What is mounted below the folder later shows on neither side.
        BindOptions: { Propagation: "rprivate" },
      }),
    ),
    ...own,
    ...volumes.map((path) => memory(path, tmpBytes)),
  ];
}

/** Limits that the kernel keeps for each process; a file may grow to `fileBytes`, null for no bound of ours. */
export function ulimitsOf(fileBytes: number | null): { Name: string; Soft: number; Hard: number }[] {
  const limit = (name: string, value: number) => ({ Name: name, Soft: value, Hard: value });
  return [limit("core", 0), limit("nofile", openFiles), ...(fileBytes === null ? [] : [limit("fsize", fileBytes)])];
}

/** `uid:gid`; an unprivileged user also where the platform cannot say whose the files are. */
export function userOf(owner: SiteOwner | null): string {
  return owner === null ? "65534:65534" : `${owner.uid}:${owner.gid}`;
}

/** `NAME=value`. The image's own PATH stays: it says where that image keeps its programs. */
export function environmentOf(variables: Readonly<Record<string, string>>, own: Readonly<Record<string, string>> = {}): string[] {
  const { PATH: _path, ...rest } = variables;
  return Object.entries({ ...rest, ...own }).map(([name, value]) => `${name}=${value}`);
}

/** Billionths of a core, as the engine counts them. */
export function nanoCpus(cpu: number): number {
  return Math.round(cpu * 1e9);
}

/** The name servers of a container. One that may not go out asks itself and hears at once that nobody answers. */
export function nameServersFor(hasEgress: boolean, servers: readonly string[]): string[] {
  return hasEgress && servers.length > 0 ? [...servers] : ["127.0.0.1"];
}

/** How long a name is asked for: a program that waits for one is one that answers nobody. */
export const resolverOptions = ["timeout:2", "attempts:2"];
