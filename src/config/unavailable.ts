import { atKey, caution, type Finding } from "./finding.ts";
import { placesOf } from "./values.ts";

interface Unavailable {
  /** Keys from the top; `*` is any key or index. */
  readonly path: string;
  /** Which values are meant. */
  readonly when: (value: unknown) => boolean;
  readonly what: string;
  /** What happens in its place. */
  readonly instead: string;
}

/**
 * What is valid but not carried out by this version. To make something available, delete its line.
 */
const UNAVAILABLE: readonly Unavailable[] = [
  {
    path: "node.roles",
    when: (roles) => Array.isArray(roles) && !roles.includes("collector"),
    what: "a node without the role collector",
    instead: "it takes data, too",
  },
  ...inPools("ack", "stored", "delivered is used"),
  ...inPools("queue.storage", "disk", "memory is used"),
  ...inPools("queue.when_full", "drop_oldest", "refuse is used"),
];

/** A warning for each thing that is written and not carried out by this version. */
export function findUnavailable(root: unknown): Finding[] {
  return UNAVAILABLE.flatMap(({ path, when, what, instead }) =>
    placesOf(root, path.split("."))
      .filter(({ value }) => when(value))
      .map((place) => atKey(caution(place.path, `${what} is not available in this version; ${instead}`))),
  );
}

/** This value of a setting of pools, wherever one is written. */
function inPools(key: string, what: string, instead: string): Unavailable[] {
  return ["pools.*", "rules.*", "default_pool"].map((pool) => {
    return { path: `${pool}.${key}`, when: (value) => value === what, what, instead };
  });
}
