/** What the parent and the processes of the case `scale` say to each other. */
import type { StoreSettings } from "../../src/store/store.ts";

/** Where the fleet is, for all processes. */
export interface FleetArguments {
  readonly settings: StoreSettings;
  readonly prefix: string;
  readonly reportIntervalMs: number;
}

/** A node that stands for its region. */
export interface ControllerNode {
  readonly id: string;
  readonly region: string;
}

/** Controllers that one process has. */
export interface ControllersArguments extends FleetArguments {
  readonly nodes: readonly ControllerNode[];
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
  /** Calls that wait until other members are found. */
  readonly looking: number;
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
  /** The first so many of each region. */
  readonly gateways: number;
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
  /** How many run this version, and with `times`, when they took it over. */
  | { readonly kind: "version"; readonly version: number; readonly times: boolean }
  /** All connections are lost at once. */
  | { readonly kind: "cut" }
  /** Who has been heard so far does not count any more. */
  | { readonly kind: "forget" }
  /** All but gateways look for the gateways of their region from now on. */
  | { readonly kind: "refresh" }
  /** Who looks for gateways and knows so many; with `times`, since when. */
  | { readonly kind: "found"; readonly count: number; readonly times: boolean }
  /** The first gateway of each region says goodbye, and is gone when this is answered. */
  | { readonly kind: "leave" };

export type CollectorsReport =
  | { readonly kind: "ready" | "begun" | "forgotten" | "looking" | "left" }
  | ({ readonly kind: "figures" } & CollectorsFigures)
  /** By the machine's time; those who are asked for no times tell none. */
  | { readonly kind: "those"; readonly count: number; readonly timesMs: readonly number[] }
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
  /** Who looks for gateways. */
  readonly looking: number;
  /** The fewest that one of them has known since it had found all; undefined: none had. */
  readonly fewestFound: number | undefined;
}
