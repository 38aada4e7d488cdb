/** How a worker's source of wake-ups is doing. */
export interface WakeupHealth {
  readonly isConnected: boolean;
  /** In words, when it is not. */
  readonly problem: string | null;
}

/**
 * Tells a worker that tasks may wait. A wake-up is a hint: it may come late, twice, for nothing or never, and the worker looks by itself every
 * few seconds. LISTEN/NOTIFY and RabbitMQ are behind this port, and one suite holds for both.
 */
export interface TaskWakeups {
  /**
   * Begins to listen. `onWakeup` claims what it can and resolves when its claim was committed, with whether there was room for more;
   * a source that delivers messages acknowledges then, and pauses delivery while there is no room until `resume`.
   */
  start(onWakeup: () => Promise<{ readonly hasRoom: boolean }>): Promise<void>;
  /** A slot became free. */
  resume(): void;
  health(): WakeupHealth;
  stop(): Promise<void>;
}
