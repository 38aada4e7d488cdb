import type { RemoteFiles } from "#kit/door/remote-files.ts";
import type { Attributes } from "./attributes.ts";
import type { Inside } from "./paths.ts";
import { Refusal, statusCodes } from "./status.ts";

/** Does what SETSTAT asks: of the permissions only who may execute a file is kept, and a file's owner stays. */
export async function setAttributes(files: RemoteFiles, at: Inside, attributes: Attributes): Promise<void> {
  const { size, permissions, times } = attributes;
  if (attributes.owner !== undefined) throw new Refusal(statusCodes.permissionDenied, "The owner of a file cannot be changed.");
  if (size !== undefined) await files.resize(at, size);
  if (permissions !== undefined && !(await isFolder(files, at))) await files.setExecutable(at, (permissions & 0o111) !== 0);
  if (times !== undefined) await files.setModified(at, new Date(times.modified * 1000));
}

async function isFolder(files: RemoteFiles, at: Inside): Promise<boolean> {
  return (await files.stat(at))?.type === "folder";
}
