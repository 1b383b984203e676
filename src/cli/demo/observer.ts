import type { Clock } from "../../core/clock.ts";
import type { TargetStatus } from "../../plan/data-plane.ts";
import type { RunningNode } from "../../server/start.ts";
import { PAYMENTS, perTarget, PRIMARY, RULES, ruleOf, type RuleId, SENDERS, STANDBY, type TargetId } from "./cast.ts";
import type { RouterAddresses } from "./demo-config.ts";
import type { DemoTarget } from "./demo-target.ts";
import type { Events } from "./events.ts";
import { HealthWatch } from "./health-watch.ts";
import { ledgerTotals } from "./ledger-totals.ts";
import { Rates } from "./rates.ts";
import type { StoryFacts } from "./story.ts";
import type { DemoView, RuleRow, TargetRow } from "./view.ts";

/** What people read should not flicker. */
const SHOWN_WINDOW_MS = 2_000;
/** What the story waits for should be seen soon. */
const STORY_WINDOW_MS = 500;

export type PaymentsOn = StoryFacts["paymentsOn"];

export interface ObserverParts {
  readonly clock: Clock;
  readonly node: RunningNode;
  readonly addresses: RouterAddresses;
  readonly targets: readonly DemoTarget[];
  readonly events: Events;
}

/** Looks at the router and at the targets; `look` has to be called a few times a second. */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #health: HealthWatch;
  readonly #shown = new Rates(SHOWN_WINDOW_MS);
  readonly #recent = new Rates(STORY_WINDOW_MS);
  #paymentsOn: PaymentsOn = "nowhere";
  #statuses: readonly TargetStatus[] = [];

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    this.#health = new HealthWatch(parts.events);
  }

  /** Where most payments arrived just now. */
  get paymentsOn(): PaymentsOn {
    return this.#paymentsOn;
  }

  async look(): Promise<void> {
    const { clock, node, targets } = this.#parts;
    const counts = countsOf(targets);
    this.#shown.add(clock.nowMs(), counts);
    this.#recent.add(clock.nowMs(), counts);
    const { targets: statuses } = await node.dataPlane.status();
    this.#statuses = statuses;
    this.#health.look(statuses, clock.wallMs());
    this.#followPayments();
  }

  view(more: Pick<DemoView, "elapsedMs" | "durationMs" | "caption">): DemoView {
    const { addresses, events, node } = this.#parts;
    const targets = this.#targetRows();
    return {
      ...more,
      addresses,
      services: SENDERS.length,
      itemsPerSecond: targets.reduce((sum, target) => sum + target.itemsPerSecond, 0),
      rules: RULES.map((rule): RuleRow => ({ ...rule, perTarget: this.#ratesOf(rule.id) })),
      targets,
      ledger: ledgerTotals(node.env.ledger),
      events: events.all,
    };
  }

  #ratesOf(rule: RuleId): Record<TargetId, number> {
    return perTarget(({ id }) => this.#shown.perSecond(keyOf(rule, id)));
  }

  #targetRows(): TargetRow[] {
    const { clock, targets } = this.#parts;
    const statuses = this.#statuses;
    return targets.map(({ facts, port, running, arrivals }): TargetRow => {
      const status = statuses.find(({ id }) => id === facts.id);
      const nextTryMs = status?.nextTryMs;
      return {
        facts,
        port,
        running,
        state: status?.state ?? "ready",
        nextTryInMs: nextTryMs === undefined ? undefined : nextTryMs - clock.wallMs(),
        itemsPerSecond: RULES.reduce((sum, rule) => sum + this.#shown.perSecond(keyOf(rule.id, facts.id)), 0),
        total: arrivals.items,
      };
    });
  }

  #followPayments(): void {
    const primary = this.#recent.perSecond(keyOf(PAYMENTS, PRIMARY));
    const standby = this.#recent.perSecond(keyOf(PAYMENTS, STANDBY));
    if (primary === standby) return; // nothing arrived: nothing is known
    const now = primary > standby ? "primary" : "standby";
    const before = this.#paymentsOn;
    this.#paymentsOn = now;
    if (now === before) return;
    if (now === "standby") this.#parts.events.add("good", `payments now go to ${STANDBY}`);
    else if (before === "standby") this.#parts.events.add("good", `payments are back on ${PRIMARY}`);
  }
}

/** Items that came to each target by each rule, so far. */
function countsOf(targets: readonly DemoTarget[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { facts, arrivals } of targets) {
    arrivals.visit((service, signal, items) => {
      const key = keyOf(ruleOf(facts.id, signal, service), facts.id);
      counts.set(key, (counts.get(key) ?? 0) + items);
    });
  }
  return counts;
}

function keyOf(rule: RuleId, target: TargetId): string {
  return `${rule} ${target}`;
}
