import type { RecipePlace } from "../../store/recipes/place.ts";
import type { Log } from "../../telemetry/log.ts";
import type { ControllerCalls } from "../fleet/controller-calls.ts";
import type { OpenControllerLink } from "../fleet/controller-link.ts";
import type { ControllerAddress } from "../fleet/messages.ts";
import type { ServiceObserver } from "../region/controller-metrics.ts";
import type { DirectiveSource } from "../region/directive-source.ts";
import type { LeaderBoard } from "../region/leader-board.ts";
import type { FetchBody } from "../region/current-document.ts";
import { RegionService } from "../region/region-service.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { TransferOutcome } from "../region/transfer-leadership.ts";
import type { AdoptionOptions } from "./adoption.ts";
import { GlobalController, type LeaderTask } from "./global-controller.ts";
import type { RegionViews } from "./region-views.ts";

export interface ControllerOptions {
  readonly place: RecipePlace;
  /** Where collectors dial this node. */
  readonly controller: ControllerAddress;
  readonly region: string;
  /**
   * Of the fleet, as this node knows it now; undefined: the store is not known to be the fleet's,
   * or is not, and nothing is led in it.
   */
  readonly generation: () => number | undefined;
  /** Of leaderships. */
  readonly leaseMs?: number | undefined;
  readonly reportIntervalMs: number;
  readonly summaryIntervalMs: number;
  readonly fetchBody: FetchBody;
  /**
   * The way to other controllers: of regions, who know their members, and of the fleet, who lends
   * of its limits. None: nobody asks them, and nothing is granted.
   */
  readonly openLink?: OpenControllerLink | undefined;
  /** What the fleet's leader does besides, by name. */
  readonly tasks?: Readonly<Record<string, LeaderTask>> | undefined;
  readonly adoption?: AdoptionOptions | undefined;
  /** Of the config that runs here; none: nothing is limited. */
  readonly limits?: (() => LimitsData | undefined) | undefined;
  /** Whether the fleet's config has a region; default: none is known. */
  readonly isConfigured?: ((region: string) => boolean) | undefined;
  readonly log: Log;
  readonly observer?: ServiceObserver | undefined;
}

/** A node that stands for its region and for the fleet, and does their work while it leads them. */
export interface Controller extends AsyncDisposable {
  /** What its listener answers with, whatever it leads. */
  readonly calls: ControllerCalls;
  readonly leaders: Omit<LeaderBoard, typeof Symbol.asyncDispose>;
  readonly regions: RegionViews;
  readonly directives: DirectiveSource;
  /** Whom the collectors of a region report to, as the watches have it. */
  leaderOf(region: string): ControllerAddress | undefined;
  /** Regions whose collectors report to it now. */
  readonly services: ReadonlyMap<string, RegionService>;
  /** Undefined: it does not lead the fleet. */
  readonly global: GlobalController | undefined;
  /** Undefined: this node does not lead it. `to`: a candidate's id; default: who comes next. */
  transfer(
    election: string,
    options: { readonly to?: string; readonly signal: AbortSignal },
  ): Promise<TransferOutcome | undefined>;
}
