import { textOwned } from "../../core/bytes.ts";
import { THRESHOLD_KEY } from "../../otlp/log-sampling.ts";
import { probabilityOf, type Threshold, thresholdOf } from "../../otlp/threshold.ts";
import type { SampledSignal, ShareReason } from "../../plan/sampling-plan.ts";

/** What is done with the items of a class, as it is asked for each of them. */
export interface ClassThreshold {
  readonly hi: number;
  readonly lo: number;
  readonly keepsAll: boolean;
  /** None of them is let in, whatever the sender makes of it: the node is degraded. */
  readonly refuses: boolean;
  readonly probability: number;
  readonly reason: ShareReason;
  /** As `th` has it. */
  readonly text: Uint8Array;
  /** The field that marks an item which has no mark yet. */
  readonly mark: Uint8Array;
}

/** Of a probability, with the marks of a signal made once. */
export function classThreshold(probability: number, reason: ShareReason, signal: SampledSignal): ClassThreshold {
  const { hi, lo, text }: Threshold = thresholdOf(probability);
  const mark = signal === "traces" ? spanMark(text) : logMark(text);
  return {
    hi,
    lo,
    refuses: false,
    keepsAll: hi === 0 && lo === 0,
    probability: probabilityOf(hi, lo),
    reason,
    text: textOwned(text),
    mark,
  };
}

/** Of a class that a degraded node lets nothing in of. */
export const REFUSED_CLASS: ClassThreshold = {
  hi: 0,
  lo: 0,
  keepsAll: false,
  probability: 0,
  refuses: true,
  reason: "degradation",
  text: new Uint8Array(),
  mark: new Uint8Array(),
};

const [TRACE_STATE, ATTRIBUTE, KEY, VALUE, STRING_VALUE] = [0x1a, 0x32, 0x0a, 0x12, 0x0a] as const;

function spanMark(text: string): Uint8Array {
  return field(TRACE_STATE, textOwned(`ot=th:${text}`));
}

function logMark(text: string): Uint8Array {
  return attributeField(THRESHOLD_KEY, text);
}

/** An attribute of a log record, whose value is a text. */
export function attributeField(key: string, text: string): Uint8Array {
  const value = field(STRING_VALUE, textOwned(text));
  return field(ATTRIBUTE, Uint8Array.from([...field(KEY, textOwned(key)), ...field(VALUE, value)]));
}

/** All are short: their lengths are of one byte. */
function field(tag: number, content: Uint8Array): Uint8Array {
  return Uint8Array.from([tag, content.length, ...content]);
}
