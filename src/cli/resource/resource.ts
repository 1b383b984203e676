/** A kind of thing in the route table, as the API and the commands call it. */
export interface Resource {
  /** The group of its commands, and the segment of its path. */
  readonly plural: "rules" | "pools" | "targets";
  readonly noun: "rule" | "pool" | "target";
  /** What names it. */
  readonly key: "id" | "name";
}

export const RULES: Resource = { plural: "rules", noun: "rule", key: "id" };
export const POOLS: Resource = { plural: "pools", noun: "pool", key: "name" };
export const TARGETS: Resource = { plural: "targets", noun: "target", key: "id" };
