import { type Condition, type Matcher, signalsOf } from "../../config/condition-type.ts";
import { compileMatcher } from "../../plan/matcher.ts";
import type { SamplingClasses } from "../../plan/sampling-plan.ts";

/** Of which class traces will be, as far as that can be told where they begin. */
export interface SourceClasses {
  /** Of one service, by the name of its first span. */
  readonly of: (service: string) => ServiceClasses;
  /** Names of spans that rules ask for as they are written; of 200 at most. */
  readonly operations: readonly string[];
}

/** Without the name of a span, of the service as a whole. Undefined: all is kept. */
type ServiceClasses = (operation?: string) => string | undefined;

export const MOST_OPERATIONS = 200;

/** Where a trace begins there are two names, and nothing else is known of it. */
interface TraceBeginning {
  readonly service: string;
  readonly operation: string | undefined;
}

/** Undefined: that cannot be told yet. */
type Told = (beginning: TraceBeginning) => boolean | undefined;

/**
 * Rules that ask for more than the service and the name of a span are passed over: a trace that
 * such a rule would take is sampled at its source like the others of its service.
 */
export function sourceClasses({ rules }: Pick<SamplingClasses, "rules">): SourceClasses {
  const asked = rules
    .filter(({ signals }) => signals.includes("traces"))
    .map(({ class: name, conditions }) => ({ name, test: tellAll(conditions) }));
  const named = rules.flatMap(({ conditions }) => conditions.flatMap(namesIn));
  return {
    of(service) {
      // Whatever the span is called: most rules are of other services, and asked once.
      const left = asked.filter(({ test }) => test({ service, operation: undefined }) !== false);
      return (operation) => left.find(({ test }) => test({ service, operation }) === true)?.name;
    },
    operations: [...new Set(named)].slice(0, MOST_OPERATIONS),
  };
}

function tell(condition: Condition): Told {
  if (!signalsOf(condition).includes("traces")) return () => false;
  switch (condition.kind) {
    case "service_name":
      return onService(condition.match);
    case "resource":
      return condition.key === "service.name" ? onService(condition.match) : unknown;
    case "span_name": {
      const matches = compileMatcher(condition.match);
      return ({ operation }) =>
        operation === undefined ? undefined : matches(operation === "" ? undefined : operation);
    }
    case "all":
      return tellAll(condition.of);
    case "any":
      return tellAny(condition.of);
    case "not": {
      const inner = tell(condition.of);
      return (beginning) => {
        const told = inner(beginning);
        return told === undefined ? undefined : !told;
      };
    }
    default:
      return unknown;
  }
}

const unknown: Told = () => undefined;

function onService(match: Matcher): Told {
  const matches = compileMatcher(match);
  return ({ service }) => matches(service);
}

function tellAll(conditions: readonly Condition[]): Told {
  const parts = conditions.map(tell);
  return (beginning) => {
    const told = parts.map((part) => part(beginning));
    return told.includes(false) ? false : told.includes(undefined) ? undefined : true;
  };
}

function tellAny(conditions: readonly Condition[]): Told {
  const parts = conditions.map(tell);
  return (beginning) => {
    const told = parts.map((part) => part(beginning));
    return told.includes(true) ? true : told.includes(undefined) ? undefined : false;
  };
}

function namesIn(condition: Condition): string[] {
  switch (condition.kind) {
    case "span_name":
      return condition.match.tests.flatMap((test) => {
        const values = test.op === "equals" ? [test.value] : test.op === "in" ? test.values : [];
        return values.map(String).filter((name) => name !== "");
      });
    case "all":
    case "any":
      return condition.of.flatMap(namesIn);
    case "not":
      return namesIn(condition.of);
    default:
      return [];
  }
}
