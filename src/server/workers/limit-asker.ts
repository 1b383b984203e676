import type { Clock } from "../../core/clock.ts";
import type { LimitsAsk, LimitsGrant } from "../../plan/limits/limit-ask.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** Between two asks. */
const ASK_MS = 500;
/** So many answers may be missing: who does not answer for longer is not asked any more often. */
const MOST_OPEN = 64;

/** The data plane as its limits are concerned. */
export interface SharingPlane {
  limitAskNow(): LimitsAsk | undefined;
  limitGranted(grant: LimitsGrant, sentMs: number): void;
}

/** A worker's parts of its node's limits: it says what comes, and is told what it may let in. */
export class LimitAsker {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
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
    this.#plane?.limitGranted(grant, sentMs);
  }

  #askAgain(): void {
    this.#ask();
    this.#clock.after(ASK_MS, () => this.#askAgain());
  }

  #ask(): void {
    const ask = this.#plane?.limitAskNow();
    if (ask === undefined) return;
    const seq = ++this.#seq;
    this.#sent.set(seq, this.#clock.nowMs());
    this.#sent.delete(seq - MOST_OPEN);
    this.#send({ kind: "limits", seq, ask });
  }
}
