import { KeySet } from "../otlp/key-set.ts";
import type { ChannelChoice, OpenChoice } from "./channel-choice.ts";
import { bind, combine, keysOf } from "./residual.ts";
import type { Cond, ItemTest, ProgramStep } from "./route-plan.ts";

/**
 * Makes the steps of programs, each once: steps that ask the same and go on the same way are one.
 * So resources of which the same is left to be asked share all of it, and others what follows where
 * they differ. What is made for few resources is forgotten by generations, together with those
 * resources; what follows from the rules alone, a test of one attribute, stays.
 */
export class StepTable {
  /** Memory of all that was made or taken over in this generation. */
  bytes = 0;
  readonly #rules: number;
  readonly #slots = new Map<string, number>();
  /** Of the conditions of the rules themselves, by the condition. */
  readonly #leaves = new Map<Cond, BoundCond>();
  #compounds = new Map<string, BoundCond>();
  #choices = new Map<string, readonly ChannelChoice[]>();
  /** Their numbers. */
  #choiceIds = new Map<readonly ChannelChoice[], number>();
  #keySets = new Map<string, KeySet>();
  #steps = new Map<number, TableStep>();
  #generation = 0;
  #ids = 1;

  /** `rules`: how many the plan has. */
  constructor(rules: number) {
    this.#rules = rules;
  }

  /** Begins a generation: what was made before is no longer shared, unless it is taken over. */
  forget(): void {
    this.#generation++;
    this.bytes = 0;
    this.#compounds = new Map();
    this.#choices = new Map();
    this.#choiceIds = new Map();
    this.#keySets = new Map();
    this.#steps = new Map();
  }

  /** The test of what is left of a condition. */
  bound(cond: Cond): BoundCond {
    if (cond.kind === "item") return this.#leaf(cond);
    if (cond.kind !== "all" && cond.kind !== "any" && cond.kind !== "not")
      throw new TypeError("a condition on the resource was left after it was answered");
    const parts = cond.kind === "not" ? [this.bound(cond.of)] : cond.of.map((part) => this.bound(part));
    const name = `${cond.kind} ${parts.map(({ id }) => id).join()}`;
    const known = this.#compounds.get(name);
    if (known !== undefined) return known;
    const test = combine(
      cond.kind,
      parts.map((part) => part.test),
    );
    const fresh = { id: this.#ids++, test, keys: parts.flatMap(({ keys }) => keys) };
    this.#compounds.set(name, fresh);
    this.bytes += COMPOUND_BYTES + parts.length * PART_BYTES;
    return fresh;
  }

  /** The choices of a rule's pools. */
  chosen(open: readonly OpenChoice[]): readonly ChannelChoice[] {
    const name = open.map(({ signature }) => signature((cond) => this.bound(cond).id)).join("|");
    const known = this.#choices.get(name);
    if (known !== undefined) return known;
    const fresh = open.map((choice) => choice.bind(this.#slotsOf(choice.keys)));
    this.#choices.set(name, fresh);
    this.bytes += COMPOUND_BYTES + name.length + open.length * CHOICE_BYTES;
    return fresh;
  }

  keySet(keys: ReadonlySet<string>): KeySet | undefined {
    if (keys.size === 0) return undefined;
    const slots = this.#slotsOf([...keys]);
    const sorted = [...keys].toSorted((a, b) => slots.get(a)! - slots.get(b)!);
    const numbers = sorted.map((key) => slots.get(key)!);
    const name = numbers.join();
    const known = this.#keySets.get(name);
    if (known !== undefined) return known;
    const fresh = new KeySet(sorted, numbers);
    this.#keySets.set(name, fresh);
    this.bytes += bytesOfKeys(fresh) + name.length;
    return fresh;
  }

  /** The step that asks this and goes on with `next`. */
  step(of: Omit<ProgramStep, "next">, next: ProgramStep | undefined): ProgramStep {
    const after = next instanceof TableStep ? next : undefined;
    const place = this.#placeOf(of.rule, of.choices, after);
    const first = this.#steps.get(place);
    for (let known = first; known !== undefined; known = known.twin) {
      const isSame = known.test === of.test && known.choices === of.choices;
      if (isSame && known.next === after && known.rule === of.rule) return known;
    }
    const step = new TableStep(this.#ids++, of, after);
    this.#keep(step, place, first);
    return step;
  }

  /** Takes over what an earlier generation made: from here on it is shared again, and counted. */
  adopt(first: ProgramStep | undefined, keys: KeySet | undefined): void {
    if (keys !== undefined) this.bytes += bytesOfKeys(keys);
    let step = first instanceof TableStep ? first : undefined;
    while (step !== undefined && step.generation !== this.#generation) {
      const place = this.#placeOf(step.rule, step.choices, step.next);
      this.bytes += COMPOUND_BYTES + step.choices.length * CHOICE_BYTES;
      this.#keep(step, place, this.#steps.get(place));
      step = step.next;
    }
  }

  /**
   * Few steps have the same. With the choices: where a hash divides by the service, each service
   * has its own, and of 500 all would have to be looked at for each new resource.
   */
  #placeOf(rule: number, choices: readonly ChannelChoice[], next: TableStep | undefined): number {
    const known = this.#choiceIds.get(choices);
    const id = known ?? this.#choiceIds.size;
    if (known === undefined) this.#choiceIds.set(choices, id);
    return ((next?.id ?? 0) * this.#rules + rule) * SPREAD + id;
  }

  #keep(step: TableStep, place: number, twin: TableStep | undefined): void {
    step.generation = this.#generation;
    step.twin = twin;
    this.#steps.set(place, step);
    this.bytes += STEP_BYTES;
  }

  #leaf(cond: Cond): BoundCond {
    const known = this.#leaves.get(cond);
    if (known !== undefined) return known;
    const keys = keysOf(cond);
    const fresh = { id: this.#ids++, test: bind(cond, this.#slotsOf(keys)), keys };
    this.#leaves.set(cond, fresh);
    return fresh;
  }

  /**
   * Slots are those of all keys that the plan's rules ask for, as they come, so that tests can be
   * shared.
   */
  #slotsOf(keys: readonly string[]): ReadonlyMap<string, number> {
    for (const key of keys) if (!this.#slots.has(key)) this.#slots.set(key, this.#slots.size);
    return this.#slots;
  }
}

/** More than there are choices, mostly; a prime. */
const SPREAD = 10_007;

/** A test, with the number that stands for what it asks. */
interface BoundCond {
  readonly id: number;
  readonly test: ItemTest;
  readonly keys: readonly string[];
}

/**
 * Memory of a step with its place in the table; measured with 64-bit pointers, and rounded up, as
 * all of these.
 */
const STEP_BYTES = 128;
const COMPOUND_BYTES = 320;
const PART_BYTES = 80;
const CHOICE_BYTES = 160;
const KEY_BYTES = 320;

function bytesOfKeys(keys: KeySet): number {
  return COMPOUND_BYTES + keys.size * KEY_BYTES;
}

class TableStep implements ProgramStep {
  readonly rule: number;
  readonly pool: number;
  readonly isCopy: boolean;
  readonly test: ItemTest | undefined;
  readonly choices: readonly ChannelChoice[];
  readonly next: TableStep | undefined;
  /** Never used again. */
  readonly id: number;
  /** In which it was made, or taken over last. */
  generation = 0;
  /** Another one at the same place of the table. */
  twin: TableStep | undefined = undefined;

  constructor(id: number, of: Omit<ProgramStep, "next">, next: TableStep | undefined) {
    const { rule, pool, isCopy, test, choices } = of;
    this.id = id;
    this.rule = rule;
    this.pool = pool;
    this.isCopy = isCopy;
    this.test = test;
    this.choices = choices;
    this.next = next;
  }
}
