/** Managers behind the visitors' door, which share the load of one host name. */
export interface BalancedManagers {
  /** Host name of the dashboard, lower case. */
  readonly host: string;
  /** `address:port` of each. */
  readonly addresses: readonly string[];
}

/** The backend of the managers, a line an entry; none without managers. Pure. */
export function managersSection(managers: BalancedManagers | null, idleMs: number): readonly (readonly string[])[] {
  if (managers === null) return [];
  const servers = managers.addresses.map((address, index) => `server manager${index + 1} ${address}`);
  return [
    [
      "backend managers",
      "balance leastconn",
      `timeout server ${idleMs}ms`,
      // They believe what HAProxy says last: with a balancer before it that would be the balancer, for everybody.
      "http-request set-header X-Forwarded-For %[var(txn.visitor)]",
      "retries 3",
      // What nobody has begun goes to another one; what may be sent twice does so too when the one that had it died.
      "http-request disable-l7-retry if !{ method GET HEAD }",
      "retry-on conn-failure empty-response",
      "option httpchk GET /readyz",
      // One that says 404 is about to end: it gets nothing new, and finishes what it has.
      "http-check disable-on-404",
      // Dead is known at once. Slow is not dead: taken out on a busy machine, one after the other, there would be none.
      "timeout check 5s",
      // Without connections that are kept nothing is sent into one that a manager is just closing. One that does not answer its checks does not go on with its streams either.
      "default-server check inter 500ms fastinter 200ms fall 2 rise 1 pool-max-conn 0 on-marked-down shutdown-sessions",
      ...servers,
    ],
  ];
}
