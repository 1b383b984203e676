import { CIRCLE_MESSAGE } from "../../plan/hops.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Env } from "../../telemetry/env.ts";
import type { Returning } from "./returning.ts";

/**
 * Of what goes back one line of the log for each target in this time, and one of what has come too
 * far: whoever makes up a way writes no more of them than that.
 */
const LOG_MS = 60_000;
const WHERE = 'targets by collectors send them in a circle, see "No circles" in docs/operations.md';

/** Counts and tells what goes in a circle between nodes of a fleet, and says it for its sender. */
export class CircleReport {
  readonly #env: Pick<Env, "log" | "metrics">;
  /** The id of this node, as those that it sends to are told. */
  readonly #own: string;

  constructor({ targets }: Pick<Plan, "targets">, env: Pick<Env, "log" | "metrics">) {
    this.#env = env;
    this.#own = [...targets.values()].find(({ members }) => members !== undefined)?.members?.node ?? "";
  }

  /** It would go back to where it came from. */
  returns(points: number, path: readonly string[], { target, node }: Returning): string {
    const circle = [...path.slice(path.lastIndexOf(node)), this.#own, node].join(" > ");
    this.#tell(points, circle, { target });
    return `target ${target} would send them back to ${node}, where they came from (${circle}): ${WHERE}`;
  }

  /** It has come over more links than a request may. */
  tooMany(points: number, path: readonly string[], maxHops: number): string {
    const circle = [...path, this.#own].filter((id) => id !== "").join(" > ");
    this.#tell(points, circle, { max_hops: maxHops });
    const through = circle === "" ? "" : `, by way of ${circle}`;
    const limit = `more than ${maxHops} links between nodes of the fleet (node.limits.max_hops)`;
    return `they have come over ${limit}${through}: ${WHERE}`;
  }

  #tell(items: number, circle: string, more: { readonly target: string } | { readonly max_hops: number }): void {
    this.#env.metrics.circlingItems.with().add(items);
    const hint = "tell tiers apart by tags, so that one of two selections is a part of the other";
    const fields = { kind: "config" as const, circle, items, ...more, hint };
    const of = "target" in more ? more.target : "";
    this.#env.log.limited(`circle ${of}`, LOG_MS)?.warn(CIRCLE_MESSAGE, fields);
  }
}
