import type { Clock } from "../../core/clock.ts";
import { MOST_ASKED_KEYS } from "../../control/limits/limit-ask.ts";
import { LimitHolders } from "../../control/limits/limit-holders.ts";
import type { LimitShares, LimitsUsage } from "../../plan/limits/limit-shares.ts";
import { GIVER_EPOCH } from "./limit-giver.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** Between two asks. */
const ASK_MS = 500;
/** So many answers may be missing: who does not answer for longer is not asked any more often. */
const MOST_OPEN = 64;

/** The data plane as its limits are concerned. */
export interface SharingPlane {
  limitsNow(mostKeys: number): LimitsUsage | undefined;
  shareLimits(shares: LimitShares): void;
}

/** A worker's parts of its node's limits: it says what comes, and is told what it may let in. */
export class LimitAsker {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  readonly #holders = new LimitHolders(GIVER_EPOCH);
  /** When asks were sent that are not answered yet. */
  readonly #sent = new Map<number, number>();
  #plane: SharingPlane | undefined;
  #seq = 0;

  constructor(clock: Clock, send: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** From here on it asks; the first time before its first connection comes. */
  attend(plane: SharingPlane): void {
    this.#plane = plane;
    this.#askAgain();
  }

  /** Its limits may be others: it asks at once. */
  planChanged(): void {
    this.#ask();
  }

  told({ seq, grant }: Extract<ToWorker, { readonly kind: "limits" }>): void {
    const sentMs = this.#sent.get(seq);
    if (sentMs === undefined) return;
    this.#sent.delete(seq);
    this.#holders.answered(grant, sentMs);
    this.#share();
  }

  #askAgain(): void {
    this.#ask();
    this.#clock.after(ASK_MS, () => this.#askAgain());
  }

  #ask(): void {
    const usage = this.#plane?.limitsNow(MOST_ASKED_KEYS);
    if (usage === undefined) return;
    const nowMs = this.#clock.nowMs();
    const seq = ++this.#seq;
    this.#sent.set(seq, nowMs);
    this.#sent.delete(seq - MOST_OPEN);
    this.#share(); // of what ends
    this.#send({ kind: "limits", seq, ask: this.#holders.ask(usage, nowMs) });
  }

  #share(): void {
    const total = this.#plane?.limitsNow(0)?.total;
    if (total === undefined) return;
    const limit = { perSecond: total.limit, burst: total.burst };
    this.#plane?.shareLimits(this.#holders.shares(limit, this.#clock.nowMs()));
  }
}
