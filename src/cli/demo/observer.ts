import type { Clock } from "../../core/clock.ts";
import type { TargetStatus } from "../../plan/data-plane.ts";
import type { RunningNode } from "../../server/running-node.ts";
import { accountedItems, type Ledger } from "../../telemetry/ledger.ts";
import { PRIMARY, type RuleId, RULES, STANDBY } from "./cast.ts";
import { type DemoEvents, tellHealth } from "./events.ts";
import { Rates } from "./rates.ts";
import type { DemoView, LedgerTotals, TargetRow } from "./render.ts";
import type { StoryFacts } from "./story.ts";
import type { DemoTarget } from "./target.ts";

/** What people read should not flicker. */
const SHOWN_WINDOW_MS = 2_000;
/** What the story waits for should be seen soon. */
const STORY_WINDOW_MS = 500;

/** Looks at the router and at the targets; `refresh` has to be called a few times a second. */
export class Observer {
  readonly #clock: Clock;
  readonly #node: RunningNode;
  readonly #targets: readonly DemoTarget[];
  readonly #events: DemoEvents;
  readonly #shown = new Rates(SHOWN_WINDOW_MS);
  readonly #recent = new Rates(STORY_WINDOW_MS);
  readonly #health = new Map<string, TargetStatus>();
  #paymentsOn: StoryFacts["paymentsOn"] = "nowhere";
  #statuses: readonly TargetStatus[] = [];

  constructor(scene: { node: RunningNode; targets: readonly DemoTarget[] }, events: DemoEvents, clock: Clock) {
    this.#clock = clock;
    this.#node = scene.node;
    this.#targets = scene.targets;
    this.#events = events;
  }

  /** Where most payments arrived just now. */
  get paymentsOn(): StoryFacts["paymentsOn"] {
    return this.#paymentsOn;
  }

  get ledger(): LedgerTotals {
    return ledgerTotals(this.#node.env.ledger);
  }

  async refresh(): Promise<void> {
    const counts = new Map<string, number>();
    for (const { facts, arrivals } of this.#targets) {
      for (const { id } of RULES) counts.set(keyOf(id, facts.id), arrivals.by(id));
    }
    this.#shown.add(this.#clock.nowMs(), counts);
    this.#recent.add(this.#clock.nowMs(), counts);
    this.#statuses = (await this.#node.dataPlane.status()).targets;
    this.#followHealth();
    this.#followPayments();
  }

  view(more: Pick<DemoView, "addresses" | "elapsedMs" | "durationMs" | "caption">): DemoView {
    const targets = this.#targetRows();
    const rules = RULES.map((rule) => ({
      ...rule,
      perTarget: this.#targets.map(({ facts }) => this.#shown.perSecond(keyOf(rule.id, facts.id))),
    }));
    const itemsPerSecond = targets.reduce((sum, target) => sum + target.itemsPerSecond, 0);
    return { ...more, itemsPerSecond, rules, targets, ledger: this.ledger, events: this.#events.all };
  }

  #targetRows(): TargetRow[] {
    return this.#targets.map(({ facts, port, running, arrivals }) => {
      const { state = "ready", nextTryMs } = this.#statuses.find(({ id }) => id === facts.id) ?? {};
      const nextTryInMs = nextTryMs === undefined ? undefined : nextTryMs - this.#clock.wallMs();
      const itemsPerSecond = RULES.reduce((sum, rule) => sum + this.#shown.perSecond(keyOf(rule.id, facts.id)), 0);
      return { facts, port, running, state, nextTryInMs, itemsPerSecond, total: arrivals.items };
    });
  }

  #followHealth(): void {
    for (const target of this.#statuses) {
      if (target.state === "probing") continue; // it is decided within moments
      const before = this.#health.get(target.id);
      this.#health.set(target.id, target);
      if (before !== undefined) tellHealth(this.#events, before, target, this.#clock.wallMs());
    }
  }

  #followPayments(): void {
    const primary = this.#recent.perSecond(keyOf("payments", PRIMARY));
    const standby = this.#recent.perSecond(keyOf("payments", STANDBY));
    if (primary === standby) return; // nothing arrived: nothing is known
    const before = this.#paymentsOn;
    this.#paymentsOn = primary > standby ? "primary" : "standby";
    if (this.#paymentsOn === before) return;
    if (primary < standby) this.#events.add("good", `payments now go to ${STANDBY}`);
    else if (before === "standby") this.#events.add("good", `payments are back on ${PRIMARY}`);
  }
}

function keyOf(rule: RuleId, target: string): string {
  return `${rule} ${target}`;
}

/** Sums up what the router's ledger says now. */
function ledgerTotals(ledger: Ledger): LedgerTotals {
  let [received, copied, delivered, queued, accounted] = [0, 0, 0, 0, 0];
  for (const entry of ledger.entries) {
    received += entry.received;
    copied += entry.copied;
    delivered += entry.delivered;
    queued += entry.queued;
    accounted += accountedItems(entry);
  }
  const balanced = ledger.balance().every((balance) => balance.balanced);
  return { received, copied, delivered, queued, other: accounted - delivered - queued, balanced };
}
