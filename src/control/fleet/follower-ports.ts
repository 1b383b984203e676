import type { DirectiveVerdict } from "./directive-book.ts";
import type { CollectorReport, ControllerAddress } from "./messages.ts";

/** What a node tells of itself, and what changes while it runs. */
export type ReportFacts = Omit<
  CollectorReport,
  "held" | "id" | "incarnation" | "protocol" | "received" | "region" | "report_interval_ms" | "seq"
> & { readonly held?: CollectorReport["held"] };

/** How the way to a controller ended. A closed list: label of a metric. */
const FOLLOW_ENDS = ["not_leader", "unreachable", "refused"] as const;

/** Told what becomes of a collector's calls, for metrics. */
export interface FollowerObserver {
  followed(controller: ControllerAddress): void;
  left(controller: ControllerAddress): void;
  lost(why: (typeof FOLLOW_ENDS)[number]): void;
  reported(): void;
  directive(scope: string, verdict: DirectiveVerdict | "not_fetched"): void;
  saidGoodbye(): void;
}
