import type { BodyMemory } from "../core/arena/extent.ts";
import { Envelope } from "../otlp/scan.ts";
import type { Signal } from "../otlp/signal.ts";
import type { LedgerEntry } from "../telemetry/ledger.ts";
import type { CircleReport } from "./queue/circle-report.ts";
import type { Passage } from "./pass-through.ts";
import type { HeaderIntake, TakenHeaders } from "./receive/header-intake.ts";
import type { Limiter } from "./limit/limiter.ts";
import type { KnownShares } from "./queue/known-shares.ts";
import type { Losses } from "./queue/losses.ts";
import type { Obstacle } from "./route/place.ts";
import type { Pool } from "./queue/pool-port.ts";
import type { Records } from "./queue/records.ts";
import type { ReceivedRequest } from "./receive/request-handler.ts";
import type { RouteEntries } from "./route/route-entries.ts";
import type { Router } from "./route/route.ts";
import type { Sampler } from "./sample/sampler.ts";
import type { KnownResource } from "./scan/resource-cache.ts";

/** Everything that is made anew from a plan for one signal. */
export interface SignalPipeline {
  /** undefined: everything is kept. */
  readonly sampler: Sampler | undefined;
  readonly router: Router;
  /** Of what comes compressed; undefined: it is inflated. */
  readonly passage: Passage | undefined;
  readonly routes: RouteEntries;
  /** By the pool's index in the plan. */
  readonly pools: readonly Pool[];
  readonly unrouted: LedgerEntry;
  /** What is said where no rule takes anything. */
  readonly noRoute: Obstacle;
  /** Told of what is dropped. */
  readonly losses: Pick<Losses, "tell">;
  readonly records: Records;
  readonly circles: CircleReport;
  readonly shares: KnownShares;
}

/**
 * What the pipeline reads once for each request, so that a request ends on the assembly it began
 * on.
 */
export interface PipelineAssembly {
  readonly pipelines: Readonly<Record<Signal, SignalPipeline>>;
  readonly headers: HeaderIntake;
  /** undefined: everything is let in. */
  readonly limiter: Limiter | undefined;
}

/** A request on its way into the queues. */
export interface RequestContext {
  readonly pipeline: SignalPipeline;
  readonly limiter: Limiter | undefined;
  readonly envelope: Envelope;
  /** Where each draft goes: indexes of pools. */
  readonly places: number[];
  /** For what is written anew of it. */
  readonly memory: BodyMemory;
  readonly request: ReceivedRequest;
  readonly intake: HeaderIntake;
  readonly taken: TakenHeaders;
  readonly nowMs: number;
  /** As a request that was received, by an earlier stage. */
  readonly isCounted: boolean;
  /** What stage sample knows of its resources, in their order. */
  readonly known?: readonly KnownResource[];
}
