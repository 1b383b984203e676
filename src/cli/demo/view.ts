import type { TargetState } from "../../plan/data-plane.ts";
import type { RuleId, TargetFacts, TargetId } from "./cast.ts";
import type { RouterAddresses } from "./demo-config.ts";

/** All that the demo shows at one moment. Rates are items a second. */
export interface DemoView {
  readonly addresses: RouterAddresses;
  readonly elapsedMs: number;
  /** Infinity: until it is stopped. */
  readonly durationMs: number;
  /** What happens now, in a sentence. */
  readonly caption: string;
  readonly services: number;
  readonly itemsPerSecond: number;
  readonly rules: readonly RuleRow[];
  readonly targets: readonly TargetRow[];
  readonly ledger: LedgerTotals;
  /** Oldest first. */
  readonly events: readonly DemoEvent[];
}

export interface RuleRow {
  readonly id: RuleId;
  readonly pool: string;
  readonly says: string;
  readonly perTarget: Readonly<Record<TargetId, number>>;
}

export interface TargetRow {
  readonly facts: TargetFacts;
  readonly port: number;
  /** Whether the demo lets it run. */
  readonly running: boolean;
  /** As the router sees it. */
  readonly state: TargetState;
  /** undefined: no try is planned. */
  readonly nextTryInMs: number | undefined;
  readonly itemsPerSecond: number;
  readonly total: number;
}

/** The ledger, all signals together. received + copied = delivered + queued + other, when it is balanced. */
export interface LedgerTotals {
  readonly received: number;
  readonly copied: number;
  readonly delivered: number;
  readonly queued: number;
  /** Rejected, dead-lettered, dropped, shed and lost. */
  readonly other: number;
  readonly balanced: boolean;
}

export interface DemoEvent {
  /** Since the start of the demo. */
  readonly atMs: number;
  readonly tone: "good" | "bad" | "plain";
  readonly text: string;
}
