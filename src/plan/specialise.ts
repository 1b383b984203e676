import type { Seen } from "../otlp/any-value.ts";
import type { Attributes } from "../otlp/resource.ts";
import { asksItem, ONLY_FIRST, openChoice, type OpenChoice } from "./channel-choice.ts";
import { leavesOf, reduce } from "./residual.ts";
import type { Cond, ProgramStep, ResourceFacts, ResourceProgram, RoutePlan } from "./route-plan.ts";
import { StepTable } from "./step-table.ts";
import { hashSeen } from "./key-hash.ts";

/**
 * Specialises a route plan for one resource, by itself. Who has many resources keeps a
 * `Specialiser`.
 */
export function specialise(plan: RoutePlan, resource: ResourceFacts): ResourceProgram {
  return new Specialiser(plan).specialise(resource);
}

/** All steps of a program, in order. */
export function stepsOf({ first }: ResourceProgram): ProgramStep[] {
  const steps: ProgramStep[] = [];
  for (let step = first; step !== undefined; step = step.next) steps.push(step);
  return steps;
}

/**
 * Specialises a route plan for resources: evaluates all that the resource can answer, and keeps
 * what remains to be asked of its items. Runs once for each distinct resource; its result is what
 * the cache keeps, and shares what it can with the others.
 */
export class Specialiser {
  readonly #plan: RoutePlan;
  readonly #table: StepTable;
  /** The rules that the last resource could match, and of which service it was. */
  #gathered: readonly number[] | undefined;
  #service: string | undefined;
  /**
   * Which rules the questions are about, and what programs follow from their answers in this
   * generation.
   */
  #asked: readonly number[] | undefined;
  #questions: ResourceQuestions | undefined;
  readonly #answered = new Map<string, Shared>();

  constructor(plan: RoutePlan) {
    this.#plan = plan;
    this.#table = new StepTable(Math.max(1, plan.rules.length));
  }

  /**
   * Memory of the programs that were made or taken over since the last `forget`, what they share
   * counted once.
   */
  get bytes(): number {
    return this.#table.bytes;
  }

  forget(): void {
    this.#table.forget();
    this.#answered.clear();
  }

  /** A program of an earlier generation goes on being used. */
  adopt({ first, keys }: ResourceProgram): void {
    this.#table.adopt(first, keys);
  }

  specialise(resource: ResourceFacts): ResourceProgram {
    const name = resource.attributes.get("service.name");
    const text = textOf(name);
    const service = text ?? "unknown";
    const candidates = this.#candidates(name === undefined ? "" : text);
    if (candidates !== this.#asked) {
      // The first of a kind: nothing is known of what its likes are asked.
      this.#asked = candidates;
      this.#questions = undefined;
      return { service, ...this.#make(candidates, resource) };
    }
    if (this.#questions === undefined) {
      this.#questions = new ResourceQuestions(this.#plan, candidates);
      this.#answered.clear();
    }
    const answers = this.#questions.answers(resource);
    const known = this.#answered.get(answers);
    if (known !== undefined) return { service, ...known };
    const fresh = this.#make(candidates, resource);
    if (this.#answered.size < MAX_ANSWERED) {
      this.#answered.set(answers, fresh);
      this.#table.bytes += answers.length + ANSWER_BYTES;
    }
    return { service, ...fresh };
  }

  /**
   * Rules of one service are gathered anew for each resource of it, unless they come one after the
   * other.
   */
  #candidates(service: string | undefined): readonly number[] {
    if (this.#service === service && this.#gathered !== undefined) return this.#gathered;
    this.#service = service;
    this.#gathered = this.#plan.candidates(service);
    return this.#gathered;
  }

  #make(candidates: readonly number[], resource: ResourceFacts): Shared {
    const plan = this.#plan;
    const left: Left[] = [];
    const pools = new Map<number, readonly OpenChoice[] | undefined>();
    for (const rule of candidates) {
      const residual = reduce(plan.rules[rule]!.condition, resource);
      if (residual === false) continue;
      const cond = residual === true ? undefined : residual.cond;
      const pool = plan.poolOf[rule]!;
      if (!pools.has(pool)) pools.set(pool, openChoices(plan, pool, resource));
      left.push({ rule, cond, choices: pools.get(pool) });
    }
    return this.#program(left);
  }

  /**
   * From the last step to the first, so that what follows is shared where what comes before is not.
   */
  #program(left: readonly Left[]): Shared {
    const keys = new Set<string>();
    let first: ProgramStep | undefined;
    let whole = true;
    for (let i = left.length - 1; i >= 0; i--) {
      const { rule, cond, choices: open } = left[i]!;
      const bound = cond === undefined ? undefined : this.#table.bound(cond);
      const choices = open === undefined ? ONLY_FIRST : this.#table.chosen(open);
      if (bound !== undefined || choices.some(asksItem)) whole = false;
      if (bound !== undefined) for (const key of bound.keys) keys.add(key);
      if (open !== undefined) for (const choice of open) for (const key of choice.keys) keys.add(key);
      const { rules, poolOf } = this.#plan;
      const [pool, isCopy] = [poolOf[rule]!, rules[rule]!.mode === "copy"];
      first = this.#table.step({ rule, pool, isCopy, test: bound?.test, choices }, first);
    }
    return { first, keys: this.#table.keySet(keys), whole };
  }
}

/** The region of a resource: its own word, else that of the listener it came in by. */
export function regionOf(attributes: Attributes, listenerRegion: string): string {
  return textOf(attributes.get("region")) ?? textOf(attributes.get("cloud.region")) ?? listenerRegion;
}

function textOf(seen: Seen | undefined): string | undefined {
  return typeof seen === "string" ? seen : undefined;
}

/** So many different answers are remembered: about as many as there are resources. */
const MAX_ANSWERED = 4_096;
/** Memory of an answer beside its text. */
const ANSWER_BYTES = 200;

/** Of a program, what resources share. */
type Shared = Omit<ResourceProgram, "service">;

interface Left {
  readonly rule: number;
  readonly cond: Cond | undefined;
  /** undefined: there is one pool with one channel. */
  readonly choices: readonly OpenChoice[] | undefined;
}

function openChoices(plan: RoutePlan, pool: number, resource: ResourceFacts): readonly OpenChoice[] | undefined {
  const divisions = plan.pools[pool]!.chain.map((one) => plan.pools[one]!.division);
  if (divisions.length === 1 && divisions[0]!.kind === "none") return undefined;
  return divisions.map((division) => openChoice(division, plan.signal, resource));
}

/**
 * All that these rules and their pools ask about a resource: resources with the same answers have
 * the same program. It is asked without stopping early, which costs less than making a program.
 */
class ResourceQuestions {
  readonly #leaves: readonly Extract<Cond, { kind: "resource" }>[];
  readonly #asksRegion: boolean;
  /** Attributes by whose value pools divide. */
  readonly #hashed: readonly string[];

  constructor({ rules, pools, poolOf, signal }: RoutePlan, candidates: readonly number[]) {
    const chains = new Set(candidates.flatMap((rule) => pools[poolOf[rule]!]!.chain));
    const divisions = Array.from(chains, (pool) => pools[pool]!.division);
    const cases = divisions.flatMap((one) => (one.kind === "cases" ? one.conditions[signal] : []));
    const conditions = [...candidates.map((rule) => rules[rule]!.condition), ...cases];
    this.#leaves = [...new Set(conditions.flatMap(leavesOf))].filter((leaf) => leaf.kind === "resource");
    this.#asksRegion = divisions.some(({ kind }) => kind === "regions");
    this.#hashed = divisions.flatMap((one) => {
      if (one.kind !== "key") return [];
      if (one.key.from === "service_name") return ["service.name"];
      return one.key.from === "resource" ? [one.key.key] : [];
    });
  }

  answers(resource: ResourceFacts): string {
    let text = "";
    let bits = 0;
    for (let i = 0; i < this.#leaves.length; i++) {
      bits = (bits << 1) | (this.#leaves[i]!.test(resource) ? 1 : 0);
      if ((i & 7) !== 7) continue;
      text += String.fromCharCode(bits);
      bits = 0;
    }
    text += String.fromCharCode(bits);
    for (const key of this.#hashed) text += ` ${hashSeen(resource.attributes.get(key))}`;
    return this.#asksRegion ? `${text} ${resource.region}` : text;
  }
}
