/** What HAProxy counts of one address that it sends requests to. */
export interface TargetCount {
  /** Requests, streams and WebSockets under way. */
  readonly underWay: number;
  /** Requests ever. */
  readonly requests: number;
}

/** Reads the answer to `show table targets_table`: counts by `address:port`. Pure. @throws {Error} for any other answer, which must not pass for "nothing". */
export function parseTargetCounts(text: string): ReadonlyMap<string, TargetCount> {
  if (!/^# table: targets_table,/m.test(text)) throw new Error(`HAProxy does not show its counters: ${text.trim().slice(0, 200)}`);
  const counts = new Map<string, TargetCount>();
  for (const match of text.matchAll(/ key=(\S+) .*?conn_cur=(\d+) .*?http_req_cnt=(\d+)/g)) {
    counts.set(match[1] ?? "", { underWay: Number(match[2]), requests: Number(match[3]) });
  }
  return counts;
}
