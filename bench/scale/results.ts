import type { SpreadTime } from "./scale-fleet.ts";

/** A fleet of simulated collectors with real controllers and a real store. */
export interface ScaleResult {
  readonly kind: "scale" | "scale-consul";
  readonly system: string;
  readonly store: string;
  readonly collectors: number;
  readonly regions: number;
  readonly controllerProcesses: number;
  readonly collectorProcesses: number;
  readonly reportIntervalMs: number;
  readonly documentBytes: number;
  /** Until all are followed and run the config; the last collector begins at `beganWithinMs`. */
  readonly beganWithinMs: number;
  readonly allThereMs: number;
  /** Controllers with nobody there. */
  readonly empty: SteadyWindow;
  readonly steady: SteadyWindow;
  /** Private memory of all controllers, with nobody there and with all. */
  readonly emptyBytes: number;
  readonly fullBytes: number;
  readonly publishes: readonly SpreadTime[];
  /** From the first publication to the last one's being everywhere. */
  readonly publishing: UsedCpu;
  readonly storm: ReconnectStorm;
  readonly discovery: Discovery;
  /** Of the processes that stand for collectors. */
  readonly simulationBytes: number;
  readonly sessionsLost: number;
  readonly allThere: boolean;
  readonly death: ControllerDeath;
}

/** Seconds of a processor, within so many of the wall clock. */
export interface UsedCpu {
  readonly wallSeconds: number;
  readonly controllers: number;
  readonly simulation: number;
  readonly store: number;
}

/** In which everything changes all the time, and nothing else happens. */
export interface SteadyWindow {
  readonly cpu: UsedCpu;
  readonly reportsPerSecond: number;
  readonly held: number;
  /** Calls that wait until others are found. */
  readonly looking: number;
  readonly storeWritesPerSecond: number;
  readonly longestLoopMs: number;
  readonly leastMarginMs: number | undefined;
}

export interface ReconnectStorm {
  readonly reconnects: number;
  /** Until the last one was answered by its controller. */
  readonly backAfterMs: number;
  readonly refusedConnections: number;
  readonly longestLoopMs: number;
  readonly leastMarginMs: number | undefined;
  readonly renewals: number;
  readonly storeWrites: number;
}

/** All look for the gateways of their region. */
export interface Discovery {
  readonly gatewaysOfRegion: number;
  readonly looking: number;
  /** Until they have found all. */
  readonly found: SpreadTime;
  readonly steady: SteadyWindow;
  /** One of each region says goodbye: until those know who look for it. */
  readonly left: SpreadTime;
  readonly fullBytes: number;
}

/** The controller of one large region is killed. */
export interface ControllerDeath {
  readonly collectors: number;
  readonly controllers: number;
  readonly gateways: number;
  readonly ledFleet: boolean;
  readonly ledAfterMs: number;
  readonly backAfterMs: number;
  readonly refusedConnections: number;
  /** The fewest of them that one who looks for them has known since. */
  readonly fewestFound: number;
  readonly longestLoopMs: number;
  readonly leastMarginMs: number | undefined;
  /** Published when all are back. */
  readonly publish: SpreadTime;
}
