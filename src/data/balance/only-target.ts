import type { Picker } from "./picker.ts";

/**
 * Where each target has a queue of its own (broadcast, consistent_hash) there is one target to pick
 * from.
 */
export function onlyTarget(): Picker {
  return {
    pick: (view) => (view.eligible[0] === 1 ? 0 : -1),
    charge() {
      // Nothing is shared.
    },
    changed() {
      // Nothing is kept.
    },
  };
}
