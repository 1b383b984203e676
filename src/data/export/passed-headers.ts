import { RecentMap } from "../../core/recent-map.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";

/**
 * Of so many different senders the headers are kept as they are sent, for each target; at most
 * twice as many.
 */
const KNOWN = 256;

/**
 * The headers of a target's calls: its own, and what it is passed on of a sender's; its own win.
 * The same object for the same values, as long as the plan is the same, so that what transports
 * make of one is made once.
 */
export class PassedHeaders {
  #own: TargetPlan["headers"] = {};
  #known = new RecentMap<TargetPlan["headers"]>(KNOWN);

  of({ headers: own }: TargetPlan, passed: SenderHeaders): TargetPlan["headers"] {
    if (passed.values.length === 0) return own;
    if (own !== this.#own) {
      this.#own = own;
      this.#known = new RecentMap(KNOWN);
    }
    const known = this.#known.get(passed.key);
    if (known !== undefined) return known;
    const merged = { ...Object.fromEntries(passed.values), ...own };
    this.#known.set(passed.key, merged);
    return merged;
  }
}
