/** What the parent and the processes of the case `scale` say to each other. */
import type { StoreSettings } from "../../src/store/store.ts";

/** Where the fleet is, for all processes. */
export interface FleetArguments {
  readonly settings: StoreSettings;
  readonly prefix: string;
  readonly reportIntervalMs: number;
}

/** Controllers that one process has: one of each region. */
export interface ControllersArguments extends FleetArguments {
  readonly regions: readonly string[];
}

export type ControllersRequest =
  | { readonly kind: "figures" }
  /** From now on the smallest and the longest are looked for anew. */
  | { readonly kind: "begin" }
  /** What is free of the heap goes back to the system. */
  | { readonly kind: "rest" };

export type ControllersReport =
  | { readonly kind: "ready" | "begun" | "rested" }
  | ({ readonly kind: "figures" } & ControllersFigures);

export interface ControllersFigures {
  /** Regions that are led here, by name. */
  readonly leads: readonly string[];
  readonly leadsFleet: boolean;
  readonly collectors: number;
  /** Calls that wait for a directive. */
  readonly held: number;
  readonly refusedConnections: number;
  readonly renewals: number;
  /** What was left of a lease when its renewal was answered; undefined: none was renewed. */
  readonly leastMarginMs: number | undefined;
  readonly sessionsLost: number;
  readonly longestLoopMs: number;
}

/** Collectors that one process stands for. */
export interface CollectorsArguments extends FleetArguments {
  readonly share: readonly RegionShare[];
}

export interface RegionShare {
  readonly region: string;
  /** Of the first of them, so that ids of all processes differ. */
  readonly from: number;
  readonly count: number;
}

export type CollectorsRequest =
  /** Begins all, evenly over this time; answered at once. */
  | { readonly kind: "begin"; readonly withinMs: number }
  | { readonly kind: "figures" }
  /** When those who run this version took it over. */
  | { readonly kind: "version"; readonly version: number }
  /** All connections are lost at once. */
  | { readonly kind: "cut" };

export type CollectorsReport =
  | { readonly kind: "ready" | "begun" }
  | ({ readonly kind: "figures" } & CollectorsFigures)
  /** By the machine's time. */
  | { readonly kind: "version"; readonly takenMs: readonly number[] }
  | { readonly kind: "cut"; readonly atMs: number };

export interface CollectorsFigures {
  readonly following: number;
  /** Since the last cut, or the beginning: who has been answered by a controller. */
  readonly heard: number;
  readonly reports: number;
  /** How often the way to a controller has ended. */
  readonly lost: number;
  /** Of those who have been heard, the last one; by the machine's time. */
  readonly lastHeardMs: number;
}
