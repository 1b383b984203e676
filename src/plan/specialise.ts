import type { Seen } from "../otlp/any-value.ts";
import { KeySet } from "../otlp/key-set.ts";
import { asksItem, ONLY_FIRST, openChoice, type OpenChoice } from "./channel-choice.ts";
import { bind, keysOf, reduce } from "./residual.ts";
import type { Cond, ProgramStep, ResourceFacts, ResourceProgram, RoutePlan } from "./route-plan.ts";

/**
 * Specialises a route plan for one resource: evaluates all that the resource can answer, and keeps what remains to be
 * asked of its items. Runs once for each distinct resource; its result is what the cache keeps.
 */
export function specialise(plan: RoutePlan, resource: ResourceFacts): ResourceProgram {
  const name = resource.attributes.get("service.name");
  const service = textOf(name);
  const left: Left[] = [];
  for (const rule of plan.candidates(name === undefined ? "" : service)) {
    const residual = reduce(plan.rules[rule]!.condition, resource);
    if (residual === false) continue;
    const cond = residual === true ? undefined : residual.cond;
    left.push({ rule, cond, choices: openChoices(plan, rule, resource) });
  }
  const keys = [...new Set(left.flatMap(keysOfRule))];
  const slots = new Map(keys.map((key, slot) => [key, slot]));
  const steps = left.map((one) => bindRule(one, slots));
  return {
    service: service ?? "unknown",
    steps,
    keys: keys.length === 0 ? undefined : new KeySet(keys),
    whole: steps.every((step) => step.test === undefined && !step.choices.some(asksItem)),
  };
}

/** The region of a resource: its own word, else that of the listener it came in by. */
export function regionOf(attributes: ReadonlyMap<string, Seen>, listenerRegion: string): string {
  return textOf(attributes.get("region")) ?? textOf(attributes.get("cloud.region")) ?? listenerRegion;
}

function textOf(seen: Seen | undefined): string | undefined {
  return typeof seen === "string" ? seen : undefined;
}

interface Left {
  readonly rule: number;
  readonly cond: Cond | undefined;
  /** undefined: there is one pool with one channel. */
  readonly choices: readonly OpenChoice[] | undefined;
}

function openChoices(plan: RoutePlan, rule: number, resource: ResourceFacts): readonly OpenChoice[] | undefined {
  const { chain } = plan.pools[plan.poolOf[rule]!]!;
  const divisions = chain.map((pool) => plan.pools[pool]!.division);
  if (divisions.length === 1 && divisions[0]!.kind === "none") return undefined;
  return divisions.map((division) => openChoice(division, plan.signal, resource));
}

function keysOfRule({ cond, choices }: Left): readonly string[] {
  const asked = cond === undefined ? [] : keysOf(cond);
  return choices === undefined ? asked : [...asked, ...choices.flatMap((choice) => choice.keys)];
}

function bindRule({ rule, cond, choices }: Left, slots: ReadonlyMap<string, number>): ProgramStep {
  const test = cond === undefined ? undefined : bind(cond, slots);
  return { rule, test, choices: choices === undefined ? ONLY_FIRST : choices.map((choice) => choice.bind(slots)) };
}
