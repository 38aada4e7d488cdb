/** Which part of a list: `cursor` is what an earlier page gave as `next`; absent means from the start. */
export interface PageRequest {
  readonly cursor?: string | undefined;
  /** At most this many items. */
  readonly limit: number;
}

/** A part of a list; `next` is null on the last one. A cursor that makes no sense gives the first page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
