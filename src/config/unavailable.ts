import { atKey, caution, type Finding } from "./finding.ts";
import { placesOf } from "./values.ts";

interface Unavailable {
  /** Keys from the top; `*` is any key or index. */
  readonly path: string;
  /** Which values are meant; default: any that is written. */
  readonly when?: (value: unknown) => boolean;
  readonly what: string | ((value: unknown) => string);
  /** What happens in its place. */
  readonly instead: string | ((value: unknown) => string);
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
  ...inPools({ path: "ack", when: (ack) => ack === "stored", what: nameOf, instead: "delivered is used" }),
  ...inPools({ path: "queue.storage", when: (storage) => storage === "disk", what: nameOf, instead: "memory is used" }),
  ...inPools({
    path: "queue.when_full",
    when: (policy) => policy === "drop_oldest",
    what: nameOf,
    instead: "refuse is used",
  }),
];

/** A warning for each thing that is written and not carried out by this version. */
export function findUnavailable(root: unknown): Finding[] {
  return UNAVAILABLE.flatMap(({ path, when, what, instead }) =>
    placesOf(root, path.split("."))
      .filter(({ value }) => when === undefined || when(value))
      .map((place) => {
        const [name, but] = [what, instead].map((one) => (typeof one === "string" ? one : one(place.value)));
        return atKey(caution(place.path, `${name} is not available in this version; ${but}`));
      }),
  );
}

function inPools(entry: Unavailable): Unavailable[] {
  return ["pools.*", "rules.*", "default_pool"].map((pool) => ({ ...entry, path: `${pool}.${entry.path}` }));
}

function nameOf(value: unknown): string {
  return String(value);
}
