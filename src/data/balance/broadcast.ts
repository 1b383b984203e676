import type { Picker } from "./picker.ts";

/** Every target has a queue of its own (queue/pool.ts), so there is one target to pick from. */
export function broadcast(): Picker {
  return {
    pick(view) {
      return view.targets[0]?.eligible === true ? 0 : -1;
    },
    charge() {
      // Everybody gets everything.
    },
  };
}
