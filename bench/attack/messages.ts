/** What bench/attack/attacker.ts is asked for and answers. */
export interface AttackerArguments {
  readonly port: number;
  /** At most, over all connections of an attack. */
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Connections opened again after they were lost. */
  readonly reconnectsPerSecond: number;
}

export type AttackerRequest = { readonly kind: "start"; readonly attack: string } | { readonly kind: "stop" };

export type AttackerReport = { readonly kind: "ready" } | { readonly kind: "started" } | AttackOutcome;

/** What an attacker did, and what it got. */
export interface AttackOutcome {
  readonly kind: "outcome";
  readonly frames: number;
  readonly bytes: number;
  readonly connections: number;
  /**
   * How often: `GOAWAY ENHANCE_YOUR_CALM`, `RST_STREAM REFUSED_STREAM`, `closed` (without GOAWAY).
   */
  readonly got: Readonly<Record<string, number>>;
}
