/** Numbers of services, from 1 on. A service keeps its number from one plan to the next. */
export class ServiceNumbers {
  readonly #numbers = new Map<string, number>();

  /** How many were ever named. */
  get size(): number {
    return this.#numbers.size;
  }

  add(service: string): number {
    const number = this.#numbers.get(service) ?? this.#numbers.size + 1;
    this.#numbers.set(service, number);
    return number;
  }

  /** ANY for one that no rule named. */
  of(service: string): number {
    return this.#numbers.get(service) ?? ANY;
  }
}

/** Stands for the service of a rule that does not ask for exactly one. */
export const ANY = 0;

/**
 * Rules that ask for one service are found by its name, so that ten thousand of them cost a
 * distinct resource what a few do. Made of plain numbers when it is first asked, in a fraction of a
 * millisecond: many plans are never asked.
 */
export class ServiceIndex {
  readonly #services: readonly number[];
  readonly #numbers: ServiceNumbers;
  readonly #last: number;
  #index: RulesByService | undefined;
  #all: readonly number[] | undefined;

  /** `services`: the number of the service that it asks for, by rule. */
  constructor(services: readonly number[], numbers: ServiceNumbers) {
    this.#services = services;
    this.#numbers = numbers;
    this.#last = numbers.size;
  }

  /**
   * Indexes of the rules that a resource of this service can match, in order; the same list for all
   * services that no rule asks for. `undefined` is one whose name is not a text: all rules.
   */
  candidates(service: string | undefined): readonly number[] {
    if (service === undefined) return (this.#all ??= this.#services.map((_, rule) => rule));
    const { starts, rules, general } = (this.#index ??= byService(this.#services, this.#last));
    const number = this.#numbers.of(service);
    if (number === ANY || number > this.#last) return general;
    const [start, end] = [starts[number]!, starts[number + 1]!];
    return start === end ? general : merged(rules, start, end, general);
  }
}

interface RulesByService {
  /** By number of a service: where its rules start; those of the next service follow. */
  readonly starts: Int32Array;
  /** Indexes of rules, by service, in order. */
  readonly rules: Int32Array;
  /** Of those that ask for no service. */
  readonly general: readonly number[];
}

/** `last`: the highest of the numbers. */
function byService(services: readonly number[], last: number): RulesByService {
  const starts = new Int32Array(last + 2);
  for (let i = 0; i < services.length; i++) starts[services[i]! + 1]!++;
  for (let n = 1; n < starts.length; n++) starts[n]! += starts[n - 1]!;
  const next = starts.slice();
  const rules = new Int32Array(services.length);
  for (let i = 0; i < services.length; i++) rules[next[services[i]!]!++] = i;
  return { starts, rules, general: Array.from(rules.subarray(0, starts[1])) };
}

/** Both are in order. */
function merged(rules: Int32Array, start: number, end: number, general: readonly number[]): number[] {
  const all: number[] = [];
  let g = 0;
  for (let i = start; i < end; i++) {
    const rule = rules[i]!;
    while (g < general.length && general[g]! < rule) all.push(general[g++]!);
    all.push(rule);
  }
  while (g < general.length) all.push(general[g++]!);
  return all;
}
