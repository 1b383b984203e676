import type { Cancel } from "../../core/clock.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { hostOf } from "../../plan/resolve-plan.ts";
import { type AddressBook, NO_ADDRESSES, stepAddresses } from "../resolve/address-book.ts";
import { NameWatch } from "../resolve/name-watch.ts";
import type { Answer, Resolver } from "../resolve/resolver.ts";
import type { PartTarget, InheritedState, Whole } from "./parts.ts";
import { openPart } from "./target.ts";
import type { Joining, TargetEnv } from "./target-port.ts";
import type { TargetClient } from "./target-client.ts";

export interface AddressSetEnv extends TargetEnv {
  readonly resolver: Resolver;
  readonly openClient: (current: () => TargetPlan) => TargetClient;
  /** Whose parts they are. */
  readonly whole: PartsOwner;
}

/** Who has parts, and is told of them. */
export interface PartsOwner extends Whole {
  /** There are other parts; not told while they are made. */
  partsReplaced(): void;
  /** A part told of something. */
  partChanged(): void;
}

/** So long it is remembered how an address was that is gone. */
const REMEMBERED_MS = 600_000;
const MAX_REMEMBERED = 64;
/** What may be told with every answer is logged once in this time. */
const LOG_MS = 60_000;

interface Gone {
  readonly part: PartTarget;
  readonly untilMs: number;
}

/**
 * The parts of a target, one for each address that is used; or one for the name, where the name is
 * dialled: before the first answer, and where only one address is to be used. Parts that are gone
 * end the calls that they have under way.
 */
export class AddressSet {
  readonly #env: AddressSetEnv;
  /** None in a worker: what the name stands for is told. */
  readonly #watch: NameWatch | undefined;
  readonly #gone = new Map<string, Gone>();
  readonly #retiring = new Set<Promise<void>>();
  readonly #unlisten = new Map<PartTarget, Cancel>();
  #plan: TargetPlan;
  #joining: Joining;
  #book: AddressBook = NO_ADDRESSES;
  #answer: readonly string[] = [];
  #parts: readonly PartTarget[];

  constructor(plan: TargetPlan, env: AddressSetEnv, joining: Joining) {
    this.#env = env;
    this.#plan = plan;
    this.#joining = joining;
    this.#parts = [this.#open(undefined, joining)];
    const { reporter } = env;
    this.#watch =
      reporter === undefined ? new NameWatch(hostOf(plan.url), env, (answer) => this.#heard(answer)) : undefined;
  }

  /** At least one. */
  get parts(): readonly PartTarget[] {
    return this.#parts;
  }

  adopt(plan: TargetPlan): void {
    const { resolve } = this.#plan;
    this.#plan = plan;
    for (const part of this.#parts) part.adopt(planAt(plan, part.plan.address));
    if (plan.resolve !== resolve && this.#answer.length > 0) this.#take(this.#answer);
  }

  /** In a worker: these are the addresses that the node uses; undefined stands for the name. */
  obey(addresses: readonly (string | undefined)[]): void {
    if (addresses.length > 0) this.#use(addresses);
  }

  /** Ends the parts; resolves when their calls have ended. */
  async close(): Promise<void> {
    this.#watch?.close();
    for (const part of this.#parts) this.#retire(part);
    this.#gone.clear();
    await Promise.all(this.#retiring);
  }

  #heard(answer: Answer): void {
    const { metrics, log } = this.#env;
    const { id, url } = this.#plan;
    metrics.targetResolutions.with(id, answer.kind).add(1);
    if (answer.kind === "failed") {
      const fields = { target: id, name: hostOf(url), reason: answer.reason };
      log
        ?.limited(`resolve ${id}`, LOG_MS)
        ?.warn("name of a target cannot be resolved: what is known of it stays", fields);
      return;
    }
    this.#answer = answer.addresses;
    this.#take(answer.addresses);
  }

  #take(addresses: readonly string[]): void {
    const before = this.#book;
    this.#book = stepAddresses(before, addresses, this.#plan.resolve === "all" ? "all" : "auto");
    this.#tellUnused(before);
    const { spread, known } = this.#book;
    this.#use(spread ? known.map(({ address }) => address) : [undefined]);
  }

  #use(wanted: readonly (string | undefined)[]): void {
    const present = new Map(this.#parts.map((part) => [part.plan.address, part]));
    if (wanted.length === present.size && wanted.every((address) => present.has(address))) return;
    const joining = this.#joiningOf(new Set(wanted));
    this.#joining = "later";
    this.#parts = wanted.map((address) => present.get(address) ?? this.#open(address, joining));
    const gone = [...present.values()].filter((part) => !wanted.includes(part.plan.address));
    for (const part of gone) this.#retire(part);
    this.#forgetOld();
    this.#tellChanged(present, gone);
    this.#env.whole.partsReplaced();
  }

  /**
   * What joins has to prove itself while another part works that stays. What takes over from the
   * name is as good as the name was.
   */
  #joiningOf(wanted: ReadonlySet<string | undefined>): Joining {
    const nowMs = this.#env.clock.nowMs();
    const works = this.#parts.filter((part) => part.usable(nowMs));
    if (works.some((part) => wanted.has(part.plan.address))) return "later";
    if (this.#parts[0]?.plan.address !== undefined) return "alone";
    return this.#joining === "later" && works.length > 0 ? "alone" : this.#joining;
  }

  #open(address: string | undefined, joining: Joining): PartTarget {
    const { openClient } = this.#env;
    const env = { ...this.#env, inherited: address === undefined ? undefined : this.#takeBack(address) };
    const part = openPart(planAt(this.#plan, address), openClient, env, joining);
    this.#unlisten.set(
      part,
      part.onChange(() => this.#env.whole.partChanged()),
    );
    return part;
  }

  /** What is known of an address that is back. */
  #takeBack(address: string): InheritedState | undefined {
    const gone = this.#gone.get(address);
    this.#gone.delete(address);
    return gone !== undefined && gone.untilMs > this.#env.clock.nowMs() ? gone.part.inheritable() : undefined;
  }

  /** Its calls are counted, and their ends told, until the last one. */
  #retire(part: PartTarget): void {
    const { address } = part.plan;
    if (address !== undefined) this.#gone.set(address, { part, untilMs: this.#env.clock.nowMs() + REMEMBERED_MS });
    const ended = part.retire().finally(() => {
      this.#retiring.delete(ended);
      this.#unlisten.get(part)?.();
      this.#unlisten.delete(part);
    });
    this.#retiring.add(ended);
  }

  #forgetOld(): void {
    const nowMs = this.#env.clock.nowMs();
    for (const [address, { untilMs }] of this.#gone) {
      if (untilMs <= nowMs || this.#gone.size > MAX_REMEMBERED) this.#gone.delete(address);
    }
  }

  #tellChanged(before: ReadonlyMap<string | undefined, PartTarget>, gone: readonly PartTarget[]): void {
    if (this.#watch === undefined) return; // the main process has told it
    const added = textsOf(this.#parts.filter((part) => !before.has(part.plan.address)));
    const fields = { target: this.#plan.id, added, removed: textsOf(gone), addresses: this.#book.known.length };
    this.#env.log?.info("addresses of a target changed", fields);
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

/** The plan of one part. */
function planAt(plan: TargetPlan, address: string | undefined): TargetPlan {
  return { ...plan, address };
}

function textsOf(parts: readonly PartTarget[]): string[] {
  return parts.flatMap(({ plan }) => plan.address ?? []);
}
