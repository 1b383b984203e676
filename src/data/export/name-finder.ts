import { isoTime } from "../../core/iso-time.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { hostOf } from "../../plan/resolve-plan.ts";
import { type AddressBook, NO_ADDRESSES, stepAddresses } from "../resolve/address-book.ts";
import { NameWatch } from "../resolve/name-watch.ts";
import type { Answer, Resolver } from "../resolve/resolver.ts";
import { NO_PART, type PartFinder, type TellParts } from "./part-finder.ts";
import type { TargetEnv } from "./target-port.ts";

type NameFinderEnv = Pick<TargetEnv, "clock" | "log" | "metrics" | "random"> & { readonly resolver: Resolver };

/** What may be told with every answer is logged once in this time. */
const LOG_MS = 60_000;

/** The addresses behind the name of a target; the name itself where only one is to be used. */
export class NameFinder implements PartFinder {
  readonly first = NO_PART;
  readonly #env: NameFinderEnv;
  readonly #tell: TellParts;
  readonly #watch: NameWatch;
  #plan: TargetPlan;
  #book: AddressBook = NO_ADDRESSES;
  #answer: readonly string[] = [];
  /** When it was first looked up in vain, as long as it was never found. */
  #sinceMs: number | undefined;

  constructor(plan: TargetPlan, env: NameFinderEnv, tell: TellParts) {
    this.#plan = plan;
    this.#env = env;
    this.#tell = tell;
    this.#watch = new NameWatch(hostOf(plan.url), env, (answer) => this.#heard(answer));
  }

  get known(): number {
    return this.#book.known.length;
  }

  adopt(plan: TargetPlan): void {
    const { resolve } = this.#plan;
    this.#plan = plan;
    if (plan.resolve !== resolve && this.#answer.length > 0) this.#take(this.#answer);
  }

  close(): void {
    this.#watch.close();
  }

  #heard(answer: Answer): void {
    const { metrics, log } = this.#env;
    const { id, url } = this.#plan;
    metrics.targetResolutions.with(id, answer.kind).add(1);
    if (answer.kind === "failed") {
      const fields = { target: id, name: hostOf(url), reason: answer.reason };
      const line = log?.limited(`resolve ${id}`, LOG_MS);
      if (this.#book.known.length > 0)
        line?.warn("name of a target cannot be resolved: what is known of it stays", fields);
      else
        line?.warn("name of a target cannot be resolved: nobody is known to send to", {
          ...fields,
          ...this.#missing(),
        });
      return;
    }
    this.#sinceMs = undefined;
    this.#answer = answer.addresses;
    this.#take(answer.addresses);
  }

  #missing(): { readonly since: string; readonly hint: string } {
    this.#sinceMs ??= this.#env.clock.wallMs();
    return { since: isoTime(this.#sinceMs), hint: "look at the name, and at what the machine asks for names" };
  }

  #take(addresses: readonly string[]): void {
    const before = this.#book;
    this.#book = stepAddresses(before, addresses, this.#plan.resolve === "all" ? "all" : "auto");
    this.#tellUnused(before);
    const { spread, known } = this.#book;
    this.#tell(spread ? known.map(({ address }) => ({ part: address })) : NO_PART);
  }

  /** Once, not with every answer. */
  #tellUnused(before: AddressBook): void {
    const { unused, spread, known } = this.#book;
    if (unused === 0 || (before.unused > 0 && before.spread === spread)) return;
    const fields = { target: this.#plan.id, name: hostOf(this.#plan.url), unused };
    if (spread) this.#env.log?.warn(`name of a target has more than ${known.length} addresses`, fields);
    else
      this.#env.log?.info(
        "name of a target has several addresses, of which one is used: resolve: all uses all",
        fields,
      );
  }
}
