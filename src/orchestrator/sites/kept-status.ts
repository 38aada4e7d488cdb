import type { SiteStatus } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import type { Clock } from "#kit/clock.ts";
import { type Activity, visibleStatus } from "./visible-status.ts";

/** A site's status since when, told on whenever people would see a difference. */
export class KeptStatus {
  readonly #clock: Clock;
  readonly #onChange: (status: SiteStatus) => void;
  #activity: Activity = { state: "asleep", reason: null };
  #visible: SiteStatus;

  constructor(deps: { readonly clock: Clock; readonly onChange: (status: SiteStatus) => void }, spec: SiteSpec) {
    this.#clock = deps.clock;
    this.#onChange = deps.onChange;
    this.#visible = { ...visibleStatus(spec, this.#activity), since: this.#now() };
  }

  get visible(): SiteStatus {
    return this.#visible;
  }

  /** What the program does, which people may not see while the site is not served. */
  get activity(): Activity {
    return this.#activity;
  }

  set(activity: Activity, spec: SiteSpec): void {
    this.#activity = activity;
    const { state, reason } = visibleStatus(spec, activity);
    if (state === this.#visible.state && reason === this.#visible.reason) return;
    this.#visible = { state, reason, since: this.#now() };
    this.#onChange(this.#visible);
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
