import { constants, ftruncate } from "node:fs";
import { promisify } from "node:util";
import { Failure } from "#contract/failure.ts";
import { openAt } from "./descriptor.ts";
import { syncDescriptor } from "./descriptor-io.ts";
import type { WriteBudget } from "./draft.ts";
import { translatedAsync } from "./fault.ts";
import { findPlace, type Jail } from "./jail.ts";
import { type Keep, keepPresent } from "./keep-present.ts";
import { requireFile, shown } from "./read-file.ts";

const { O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
const truncate = promisify(ftruncate);

/** A length that a file is to have. */
export interface ResizeRequest {
  readonly size: number;
  readonly budget: WriteBudget;
  /** Shown a file that has content already, before any of it goes. */
  readonly keep?: Keep | undefined;
}

/** Cuts a file off in place, or makes it longer by zeros. */
export async function resizeFile(jail: Jail, path: string, request: ResizeRequest): Promise<void> {
  await translatedAsync(path, async () => {
    using place = findPlace(jail, path, { follow: true });
    if (place.name === null) throw new Failure("not_a_file", { path: shown(path) });
    using file = openAt(place.folder.fd, place.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    const stat = file.stat();
    requireFile(stat, path);
    const { size, budget } = request;
    if (size === stat.size) return;
    if (size > budget.fileBytes) throw new Failure("file_too_large", { limitBytes: budget.fileBytes });
    if (size > stat.size) budget.take(size - stat.size);
    if (stat.size > 0 && request.keep !== undefined) await keepPresent({ folder: place.folder.fd, name: place.name, path: place.path }, request.keep);
    await truncate(file.fd, size);
    await syncDescriptor(file.fd);
  });
}
