import type { Cancel, Clock } from "../../core/clock.ts";
import type { LimitUse, NodeLimit } from "../../data/node-limits/node-limit.ts";
import { equalPart } from "./lending.ts";
import type { FromWorker, LimitPart, LimitReport } from "./messages.ts";

/** The data plane as its limits are concerned. */
export interface LimitedPlane {
  limitUses(): LimitUse[];
  limitsChanged(): void;
}

interface BorrowerEnv {
  readonly clock: Clock;
  readonly send: (message: FromWorker) => void;
}

/** Which of how many workers: from 0. */
interface WorkerPlace {
  readonly index: number;
  readonly of: number;
}

/** Between two readings of what is used. */
const REFRESH_MS = 100;
/** The same while another waits for what is to be given back, or this one has nothing. */
const HURRY_MS = 20;
/** With more limits than these who has nothing looks no sooner than usual: it costs. */
const MOST_HURRIED = 200;
/** What was needed counts for a third of that after this time. */
const PEAK_MS = 2_000;
/** What is not needed is no more told than in steps of this part of a limit. */
const GRAIN = 64;
/** Where more is refused, and does not wait, some is kept for what may come: of an equal part. */
const KEPT = 1 / 8;
const HEADROOM = 1.25;
/** Of an equal part of retries: with a part goes its reserve, which failures that come need. */
const KEPT_RETRIES = 1 / 2;

/** A worker's parts of the limits of its node: it says what it uses and wants, and is told. */
export class Borrower {
  readonly #env: BorrowerEnv;
  readonly #parts = new Map<NodeLimit, number>();
  readonly #peaks = new Map<NodeLimit, number>();
  readonly #said = new Map<NodeLimit, string>();
  #place: WorkerPlace = { index: 0, of: 1 };
  #plane: LimitedPlane | undefined;
  #seq = 0;
  /** What is said next is all that there is. */
  #saysAll = false;
  #refreshedMs = 0;
  #cancel: Cancel = () => undefined;

  constructor(env: BorrowerEnv) {
    this.#env = env;
  }

  readonly partOf = (limit: NodeLimit, whole: number): number => {
    const { index, of } = this.#place;
    return Math.min(whole, this.#parts.get(limit) ?? equalPart(whole, index, of));
  };

  /** Before there is a data plane. */
  begin(place: WorkerPlace, parts: readonly LimitPart[]): void {
    this.#place = place;
    for (const [limit, part] of parts) this.#parts.set(limit, part);
  }

  /** From here on it is looked at. Who is alone has all of everything. */
  attend(plane: LimitedPlane): void {
    if (this.#place.of === 1) return;
    this.#plane = plane;
    this.#refreshedMs = this.#env.clock.nowMs();
    plane.limitsChanged(); // what was told while it was opened
    this.#refreshAgain();
  }

  /** What the main process says; holds at once, and is confirmed at once. */
  told(seq: number, parts: readonly LimitPart[]): void {
    this.#seq = seq;
    for (const [limit, part] of parts) this.#parts.set(limit, part);
    this.#plane?.limitsChanged();
    for (const [limit] of parts) if (this.#said.has(limit)) this.#said.set(limit, ""); // it is said again
    if (this.#plane !== undefined) this.#refreshAgain();
  }

  /**
   * Another plan runs: what is not in it is forgotten, but for that of pools that are gone from it
   * and still send.
   */
  planChanged(): void {
    this.#saysAll = true;
    const known = new Set(this.#plane?.limitUses().map(({ limit }) => limit));
    for (const map of [this.#parts, this.#peaks, this.#said])
      for (const limit of map.keys()) if (!known.has(limit)) map.delete(limit);
  }

  #refreshAgain(): void {
    this.#cancel();
    const isUrgent = this.#refresh();
    this.#cancel = this.#env.clock.after(isUrgent ? HURRY_MS : REFRESH_MS, () => this.#refreshAgain());
  }

  /** Says what is not as it was said before. True: it will not be long until there is more. */
  #refresh(): boolean {
    const { clock, send } = this.#env;
    const nowMs = clock.nowMs();
    const fade = Math.exp((this.#refreshedMs - nowMs) / PEAK_MS);
    this.#refreshedMs = nowMs;
    const reports: LimitReport[] = [];
    let isUrgent = false;
    const uses = this.#plane?.limitUses() ?? [];
    this.#forgetOthers(uses);
    const all = this.#saysAll;
    for (const use of uses) {
      const { limit, whole } = use;
      const part = this.partOf(limit, whole);
      // A reserve is used in a moment; what was made is not under way.
      const used = limit.startsWith("retries") ? 0 : use.used;
      const report: LimitReport = [limit, Math.max(part, used), this.#needOf(use, part, fade)];
      isUrgent ||= used > part || (part === 0 && limit.startsWith("calls") && uses.length <= MOST_HURRIED);
      const said = `${report[1]} ${report[2]}`;
      if (!all && this.#said.get(limit) === said) continue;
      this.#said.set(limit, said);
      reports.push(report);
    }
    if (reports.length > 0 || all) send({ kind: "uses", seq: this.#seq, reports, ...(all && { all }) });
    this.#saysAll = false;
    return isUrgent;
  }

  /** A pool that was gone from the plan has ended since: the others may have what it had. */
  #forgetOthers(uses: readonly LimitUse[]): void {
    if (this.#said.size === 0) return;
    let left = 0;
    for (const { limit } of uses) if (this.#said.has(limit)) left++;
    if (left === this.#said.size) return;
    const known = new Set(uses.map(({ limit }) => limit));
    for (const map of [this.#said, this.#peaks])
      for (const limit of map.keys()) if (!known.has(limit)) map.delete(limit);
    this.#saysAll = true;
  }

  /** Of late, and not only at this moment. */
  #needOf({ limit, whole, used, wanted }: LimitUse, part: number, fade: number): number {
    const isRetries = limit.startsWith("retries");
    const beyond = wanted > 0 && (isRetries || limit.startsWith("calls"));
    // Retries come in bursts, which the reserve is for: more are asked for when that is used up.
    const now = beyond ? part + wanted : isRetries ? Math.min(part, used) : used + wanted;
    const peak = Math.max(now, (this.#peaks.get(limit) ?? 0) * fade);
    this.#peaks.set(limit, peak < 0.5 ? 0 : peak);
    const grain = Math.max(1, Math.floor(whole / GRAIN));
    const steps = (amount: number): number => Math.min(whole, Math.ceil(amount / grain) * grain);
    if (limit.startsWith("calls")) return peak < 0.5 ? 0 : steps(Math.round(peak));
    if (isRetries) return Math.max(Math.floor((KEPT_RETRIES * whole) / this.#place.of), steps(Math.round(peak)));
    const kept = Math.floor((KEPT * whole) / this.#place.of);
    return Math.max(kept, steps(HEADROOM * peak));
  }
}
