import type { SignalName } from "../../condition-type.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import type { Asked } from "./asked.ts";
import { cubesOf } from "./cube.ts";

/** Signals that all entries of a list treat the same, so that one answer holds for both. */
export interface AlikeSignals {
  /** One of each that are alike: as one list, wherever they are the same. */
  differentOf(signals: readonly SignalName[]): readonly SignalName[];
  /** Whether an entry, too, treats those the same that others do. */
  holdsFor(entry: Asked): boolean;
}

/** Those of a list; of it nothing is kept. */
export function alikeIn(entries: readonly Asked[]): AlikeSignals {
  const alike = new Map(
    ALL_SIGNALS.map((one) => {
      const same = ALL_SIGNALS.find((other) => other === one || entries.every((entry) => isAlike(entry, one, other)));
      return [one, same ?? one];
    }),
  );
  return alikeSignals(alike); // which, made here, would keep the entries
}

function alikeSignals(alike: ReadonlyMap<SignalName, SignalName>): AlikeSignals {
  const make = (signals: readonly SignalName[]): SignalName[] => [
    ...new Set(signals.map((signal) => alike.get(signal) ?? signal)),
  ];
  const all = make(ALL_SIGNALS);
  const known = new Map<string, SignalName[]>();
  return {
    differentOf(signals) {
      if (signals === ALL_SIGNALS) return all;
      const key = signals.join();
      const made = known.get(key) ?? make(signals);
      known.set(key, made);
      return made;
    },
    holdsFor: (entry) => [...alike].every(([one, same]) => one === same || isAlike(entry, one, same)),
  };
}

function isAlike({ signals, conditions }: Asked, a: SignalName, b: SignalName): boolean {
  const isFor = signals.includes(a);
  if (isFor !== signals.includes(b)) return false;
  if (!isFor) return true;
  const cubes = cubesOf(conditions);
  return cubes[a] === cubes[b];
}
