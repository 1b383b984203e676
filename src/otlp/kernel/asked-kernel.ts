import { textOwned } from "../../core/bytes.ts";
import type { SpanQuestion } from "../span-question.ts";
import { NOT_PLAIN, type SpanThreshold } from "./span-threshold.ts";

/** What asked-spans.as.ts exports, and says of it. */
export interface AskedExports {
  openAsked(page: number): void;
  ask(keys: number, steps: number): void;
  measureAsked(from: number, end: number, untilNote: number, listed: number, verdicts: number): number;
  writeAsked(from: number, end: number, listed: number, verdicts: number, bytes: number, out: number): number;
}

/** As many as there is room for: what more rules ask is asked in TypeScript. */
const [MOST_KEYS, MOST_STEPS, MOST_CLASSES, MOST_KEY_BYTES] = [8, 16, 8, 127] as const;
/** The class of what no rule takes: it is kept, and not counted. */
const NO_CLASS = MOST_CLASSES;
/** Above all whole numbers that the kernel reads. */
const WHOLE_END = 2 ** 28;
/** Where in its page what is, and bytes of one of several; values are numbered, keys first. */
const [LENGTHS, KEYS, STEPS, CLASSES, TALLIES, TOLD, MARKS, TEXTS] = [
  64, 192, 320, 576, 896, 1_184, 1_216, 1_792,
] as const;
const [KEY_BYTES, STEP_BYTES, CLASS_BYTES, MARK_BYTES, TEXT_BYTES] = [16, 16, 32, 64, 128] as const;
const [STATUS_VALUE, KIND_VALUE] = [8, 9] as const;
/** Flags of a class. */
const [DECIDED, NOTED] = [1, 2] as const;

/**
 * Rules that ask spans, in order, and of which classes what they take is; what none of them takes
 * is of `otherwise`, or -1: of no class.
 */
export interface AskedRules {
  readonly steps: readonly { readonly question: SpanQuestion; readonly of: number }[];
  readonly keys: readonly string[];
  readonly otherwise: number;
  /** All that they name, once each. */
  readonly classes: readonly number[];
}

/** Where the kernel's lists of scopes and of verdicts were before a resource. */
export interface ListedAt {
  readonly listed: number;
  readonly verdicts: number;
}

/** What is done with a class. */
export interface AskedClass extends SpanThreshold {
  readonly keepsAll: boolean;
}

/** Whether there is room in the kernel's page for what they ask. */
export function canAsk({ steps, keys, classes }: AskedRules): boolean {
  const lengths = keys.map((key) => Buffer.byteLength(key));
  return (
    steps.length < MOST_STEPS &&
    keys.length <= MOST_KEYS &&
    classes.every((of) => of < MOST_CLASSES) &&
    lengths.every((length) => length > 0 && length <= MOST_KEY_BYTES)
  );
}

/**
 * The part of the kernel that asks rules of spans. Its page is told what is asked, by `load`, and
 * tells what became of the spans of one resource.
 */
export class AskedKernel {
  kept = 0;
  marked = 0;
  /** Scopes and spans of the request so far, of which lengths and verdicts are listed. */
  listed = 0;
  verdicts = 0;
  /** So many spans have their randomness told. */
  notes = 0;
  #untilNote = 64;
  readonly #exports: AskedExports;
  readonly #page: DataView;
  readonly #bytes: Uint8Array;
  readonly #notes: Uint32Array;
  #rules: AskedRules | undefined;
  #classes: readonly AskedClass[] = [];
  #follows = false;

  /** `notes`: where the kernel notes randomness, also of spans of one class. */
  constructor(buffer: ArrayBuffer, page: number, notes: Uint32Array, exports: AskedExports) {
    this.#notes = notes;
    this.#exports = exports;
    this.#page = new DataView(buffer, page);
    this.#bytes = new Uint8Array(buffer, page);
    exports.openAsked(page);
  }

  /** `follows`: what comes is looked at in classes that are kept whole, too. */
  load(rules: AskedRules, classes: readonly AskedClass[], follows: boolean): void {
    if (rules === this.#rules && classes === this.#classes && follows === this.#follows) return;
    this.#rules = rules;
    this.#classes = classes;
    this.#follows = follows;
    this.#loadKeys(rules.keys);
    rules.steps.forEach(({ question, of }, i) => this.#loadStep(i, valueOf(question, rules.keys), question, of));
    const otherwise = { least: 0, most: -1 };
    this.#loadStep(rules.steps.length, 0, otherwise, rules.otherwise < 0 ? NO_CLASS : rules.otherwise);
    for (let of = 0; of < MOST_CLASSES; of++) this.#loadClass(of, classes[of], follows);
    this.#exports.ask(rules.keys.length, rules.steps.length + 1);
  }

  /** As SpanKernel.measure. */
  measure(from: number, end: number, listed: number, verdicts: number): number {
    const bytes = this.#exports.measureAsked(from, end, this.#untilNote, listed, verdicts);
    if (bytes === NOT_PLAIN) return NOT_PLAIN;
    this.kept = this.#told(0);
    this.marked = this.#told(1);
    this.#untilNote = this.#told(2);
    this.notes = this.#told(3);
    this.listed = this.#told(4);
    this.verdicts = this.#told(5);
    return bytes;
  }

  /** As SpanKernel.write. */
  write(from: number, end: number, listed: number, verdicts: number, bytes: number, out: number): number {
    return this.#exports.writeAsked(from, end, listed, verdicts, bytes, out) >>> 0;
  }

  /** Of the resource that was measured last: spans of a class that are dropped. */
  droppedOf(of: number): number {
    return this.#tally(of, 0);
  }

  /** And kept as they are. */
  wholeOf(of: number): number {
    return this.#tally(of, 4);
  }

  /** And kept with a mark. */
  markedOf(of: number): number {
    return this.#tally(of, 8);
  }

  /** Of all of them: their bytes without tags and lengths, and those that begin a trace. */
  bytesOf(of: number): number {
    return this.#tally(of, 12);
  }

  rootsOf(of: number): number {
    return this.#tally(of, 16);
  }

  /** The upper 24 bits of one of the spans whose randomness is told. */
  noteHi(note: number): number {
    return this.#notes[2 * note]!;
  }

  /** And the lower 32. */
  noteLo(note: number): number {
    return this.#notes[2 * note + 1]!;
  }

  #told(place: number): number {
    return this.#page.getInt32(TOLD + 4 * place, true);
  }

  #tally(of: number, place: number): number {
    return this.#page.getInt32(TALLIES + CLASS_BYTES * of + place, true);
  }

  /** Of keys of one length each has a link to the next. */
  #loadKeys(keys: readonly string[]): void {
    this.#bytes.fill(0, LENGTHS, STEPS);
    keys.forEach((key, i) => {
      const text = textOwned(key);
      this.#bytes.set(text, TEXTS + TEXT_BYTES * i);
      this.#page.setInt32(KEYS + KEY_BYTES * i, this.#bytes[LENGTHS + text.length]!, true);
      this.#bytes[LENGTHS + text.length] = i + 1;
    });
  }

  #loadStep(i: number, value: number, { least, most }: { least: number; most: number }, of: number): void {
    const at = STEPS + STEP_BYTES * i;
    this.#page.setInt32(at, value, true);
    this.#page.setInt32(at + 4, Math.min(Math.max(least, 0), WHOLE_END), true);
    this.#page.setInt32(at + 8, Math.min(Math.max(most, -1), WHOLE_END - 1), true);
    this.#page.setInt32(at + 12, of, true);
  }

  #loadClass(of: number, to: AskedClass | undefined, follows: boolean): void {
    const at = CLASSES + CLASS_BYTES * of;
    const isDecided = to !== undefined && !to.keepsAll;
    this.#page.setUint32(at, to?.lo ?? 0, true);
    this.#page.setUint32(at + 4, to?.hi ?? 0, true);
    this.#page.setInt32(at + 8, isDecided ? DECIDED | NOTED : follows ? NOTED : 0, true);
    this.#page.setInt32(at + 12, to?.mark.length ?? 0, true);
    if (isDecided) this.#bytes.set(to.mark, MARKS + MARK_BYTES * of);
  }
}

function valueOf({ of, key }: SpanQuestion, keys: readonly string[]): number {
  if (of === "attribute") return keys.indexOf(key);
  return of === "status" ? STATUS_VALUE : KIND_VALUE;
}
