import { Unreachable } from "../core/unreachable.ts";
import type { Compare, Entry } from "./store.ts";

/** Whether a comparison holds for what stands at its key. */
export function isTrue(compare: Compare, entry: Entry | undefined): boolean {
  switch (compare.kind) {
    case "absent":
      return entry === undefined;
    case "created":
      return entry?.created === compare.revision;
    case "modified":
      return entry?.modified === compare.revision;
    default:
      throw new Unreachable(compare);
  }
}
