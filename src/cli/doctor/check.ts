/** What the doctor found about one thing. */
export interface Check {
  readonly name: string;
  /** `missing` keeps Backlot or a part of it from working, `limited` makes it do less, `info` is neither. */
  readonly state: "ok" | "limited" | "missing" | "info";
  readonly detail: string;
  /** What to install or do; absent when nothing has to be done. */
  readonly advice?: string;
}
