import { hashSeen } from "./key-hash.ts";
import { resourceLeaves } from "./residual.ts";
import type { Cond, ResourceFacts, RoutePlan } from "./route-plan.ts";

/**
 * All that these rules and their pools ask about a resource: resources with the same answers have
 * the same program. It is asked without stopping early, which costs less than making a program.
 */
export class ResourceQuestions {
  readonly #leaves: readonly Extract<Cond, { kind: "resource" }>[];
  readonly #asksRegion: boolean;
  /** Attributes by whose value pools divide. */
  readonly #hashed: readonly string[];

  constructor({ rules, pools, poolOf, signal }: RoutePlan, candidates: readonly number[]) {
    const chains = new Set(candidates.flatMap((rule) => pools[poolOf[rule]!]!.chain));
    const divisions = Array.from(chains, (pool) => pools[pool]!.division);
    const cases = divisions.flatMap((one) => (one.kind === "cases" ? one.conditions[signal] : []));
    const conditions = [...candidates.map((rule) => rules[rule]!.condition), ...cases];
    this.#leaves = [...new Set(conditions.flatMap(resourceLeaves))];
    this.#asksRegion = divisions.some(({ kind }) => kind === "regions");
    this.#hashed = divisions.flatMap((one) => {
      if (one.kind !== "key") return [];
      if (one.key.from === "service_name") return ["service.name"];
      return one.key.from === "resource" ? [one.key.key] : [];
    });
  }

  answers(resource: ResourceFacts): string {
    let text = "";
    let bits = 0;
    for (let i = 0; i < this.#leaves.length; i++) {
      bits = (bits << 1) | (this.#leaves[i]!.test(resource) ? 1 : 0);
      if ((i & 7) !== 7) continue;
      text += String.fromCharCode(bits);
      bits = 0;
    }
    text += String.fromCharCode(bits);
    for (const key of this.#hashed) text += ` ${hashSeen(resource.attributes.get(key))}`;
    return this.#asksRegion ? `${text} ${resource.region}` : text;
  }
}
