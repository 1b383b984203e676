import type { RetryReason } from "../send-outcome.ts";
import type { CallNews } from "./silence.ts";

/**
 * What calls of one worker told of a target in one state of its health, since it told last: plain
 * data, and as little as there is. What is missing is none.
 */
export interface HealthNews {
  /** Of the state in which the calls left. */
  readonly epoch: number;
  /** Calls that the target answered. */
  readonly taken?: number;
  readonly failed?: number;
  /** Of the failed ones, those since the last that was taken. */
  readonly inRow?: number;
  /** How the last one failed. */
  readonly reason?: RetryReason;
  readonly refused?: number;
  /** Asked to be left alone, for so long if it named a time, and in which words. */
  readonly throttled?: { readonly delayMs?: number; readonly said: string };
  /** Some ended without saying anything. */
  readonly neutral?: boolean;
  /** As many failed in a row in this worker as eject. */
  readonly ejected?: boolean;
  /** Of the permit to send the probe: made use of, or given back, for there was nothing to send. */
  readonly probe?: "sent" | "returned";
  /** Calls under way in this worker now. */
  readonly underWay: number;
  /** How calls ended, for the watch over the target's silence: what says most. */
  readonly ended?: CallNews;
}

/** What the answers told of the signals that a target takes. Bits are those of the signals. */
export interface SignalNews {
  /** Something of these was taken, and not refused since. */
  readonly took?: number;
  /** Signals that were refused since, in a row, by their numbers. */
  readonly away?: readonly { readonly index: number; readonly times: number; readonly said: string }[];
  /** Refused often enough in a row in this worker. */
  readonly refused?: number;
  /** Refused once more, when the worker asked again. */
  readonly asked?: number;
}

/** News of a target, or of one of its parts. */
export interface TargetNews extends HealthNews {
  readonly id: string;
  /** As in ToldPart. */
  readonly address?: string;
  /** As in ToldPart: a member that is elsewhere now has a health of its own. */
  readonly place?: string;
  readonly signals?: SignalNews;
  /** The worker has drawn a conclusion of its own, and wants to be told what the node's is. */
  readonly urgent?: true;
  /** Tenants that the target asked to leave it alone: by the key of their headers. */
  readonly tenants?: readonly TenantPause[];
}

export type TenantPause = readonly [key: string, forMs: number, said: string];

/** Who has news to tell. */
export interface NewsSource {
  /** What there is since it was asked last; undefined when nobody needs it any more. */
  takeNews(): TargetNews | undefined;
}

/** Tells the main process of a worker what its targets told. */
export interface HealthReporter {
  /** There is news: it is taken soon. Once, until it is. */
  announce(source: NewsSource): void;
  /**
   * Takes and tells all that there is, at once. Gives the number of what was told: the main process
   * says which one it has heard last.
   */
  flush(): number;
}
