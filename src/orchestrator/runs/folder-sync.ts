import { syncFolder } from "#orchestrator/sites/write-durably.ts";

/** Makes changes of a folder's entries durable, once for all who ask while the disk is busy with those before. */
export class FolderSync {
  readonly #folder: string;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Resolves when what was changed before this call is on the disk. */
  sync(): Promise<void> {
    // The one under way may have begun before the change: only the one after it covers it.
    if (this.#current === null) return this.#begin();
    this.#next ??= this.#current
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    const current = syncFolder(this.#folder).finally(() => {
      if (this.#current === current) this.#current = null;
    });
    this.#current = current;
    return current;
  }
}
