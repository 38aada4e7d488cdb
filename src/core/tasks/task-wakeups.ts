/** How a worker's source of wake-ups is doing. */
export interface WakeupHealth {
  readonly isConnected: boolean;
  /** In words, when it is not. */
  readonly problem: string | null;
}

/** What came of a wake-up. */
export interface WakeupAnswer {
  /** Whether more could be taken now. */
  readonly hasRoom: boolean;
  /** How many were claimed. Left out: a source that delivers messages hands on one that found no room, as it cannot tell what became of it. */
  readonly claimed?: number;
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
  start(onWakeup: () => Promise<WakeupAnswer>): Promise<void>;
  /** A slot became free. */
  resume(): void;
  /** A task that waited was claimed without any wake-up's doing, and no slot became free: a source that delivers a message for each task is done with one. */
  spent?(): void;
  health(): WakeupHealth;
  stop(): Promise<void>;
}
