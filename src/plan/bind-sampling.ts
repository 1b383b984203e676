import { compileRoutes } from "./compile-routes.ts";
import type { RoutePlan } from "./route-plan.ts";
import type { SampledSignal, SamplingData } from "./sampling-plan.ts";

/**
 * What the stage sample runs by: its data, and classes as rules are, with a pool for each class.
 */
export interface SamplingPlan extends SamplingData {
  /** undefined: nothing of the signal is sampled. */
  readonly routes: Readonly<Record<SampledSignal, RoutePlan | undefined>>;
}

/** Makes matchers of the conditions. */
export function bindSampling(data: SamplingData): SamplingPlan {
  const specs = data.rules.map(({ class: pool, signals, conditions }, i) => {
    return { id: String(i), priority: 0, mode: "first", pool, signals, conditions } as const;
  });
  const { traces, logs } = compileRoutes(specs, undefined, "drop");
  const of = (route: RoutePlan): RoutePlan | undefined => (data.state[sampled(route)].length === 0 ? undefined : route);
  return { ...data, routes: { traces: of(traces), logs: of(logs) } };
}

function sampled({ signal }: RoutePlan): SampledSignal {
  return signal === "logs" ? "logs" : "traces";
}
