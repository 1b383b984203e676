/** Filled in below by the route compiler: see compile.ts. */
export interface RoutePlan {
  readonly signal: string;
}
