import assert from "node:assert/strict";
import type { LedgerRow } from "../../src/core/snapshot.ts";

/** One signal's two sides, and all that makes them up, by outcome. */
export type Outcomes = Readonly<Record<string, number>>;

const TAKEN = ["received", "copied"];

/**
 * The ledger as `GET /api/v1/ledger` tells it: outcomes by signal. Fails when it does not say that
 * it balances.
 */
export async function ledgerOfApi(admin: string): Promise<Map<string, Outcomes>> {
  const response = await fetch(`http://${admin}/api/v1/ledger`);
  const view = (await response.json()) as { balanced: boolean; entries: LedgerRow[] };
  assert.equal(view.balanced, true);
  return outcomesOf(view.entries);
}

/** The same from `/metrics`; also fails when the metric of the imbalance is not 0. */
export async function ledgerOfMetrics(admin: string): Promise<Map<string, Outcomes>> {
  const text = await (await fetch(`http://${admin}/metrics`)).text();
  const signals = new Map<string, Record<string, number>>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = /^(signalbox_ledger_\w+)\{(.*)\} (\S+)$/u.exec(line) ?? [];
    const label = (key: string): string => new RegExp(`${key}="([^"]*)"`, "u").exec(labels)?.[1] ?? "";
    if (name === "signalbox_ledger_imbalance_items") assert.equal(Number(value), 0, line);
    if (name !== "signalbox_ledger_items_total" && name !== "signalbox_ledger_queued_items") continue;
    const outcome = name === "signalbox_ledger_queued_items" ? "queued" : label("outcome");
    const outcomes = signals.get(label("signal")) ?? {};
    outcomes[outcome] = (outcomes[outcome] ?? 0) + Number(value);
    signals.set(label("signal"), outcomes);
  }
  return signals;
}

/** Outcomes by signal, the reasons of each kind together. */
export function outcomesOf(rows: readonly LedgerRow[]): Map<string, Outcomes> {
  const signals = new Map<string, Record<string, number>>();
  for (const { signal, rule: _rule, pool: _pool, acknowledged: _acknowledged, ...numbers } of rows) {
    const outcomes = signals.get(signal) ?? {};
    for (const [outcome, count] of Object.entries(numbers)) {
      const items = typeof count === "number" ? count : Object.values(count).reduce((a, b) => a + b, 0);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + items;
    }
    signals.set(signal, outcomes);
  }
  return signals;
}

/** Fails unless both sides of every signal are equal. */
export function assertConserved(signals: ReadonlyMap<string, Outcomes>): void {
  for (const [signal, outcomes] of signals) {
    let difference = 0;
    for (const [outcome, items] of Object.entries(outcomes)) difference += TAKEN.includes(outcome) ? items : -items;
    assert.equal(difference, 0, `${signal}: ${JSON.stringify(outcomes)}`);
  }
}

/** Without what is zero, so that two views can be compared whichever zeros they write. */
export function withoutZeros(signals: ReadonlyMap<string, Outcomes>): Record<string, Outcomes> {
  return Object.fromEntries(
    [...signals].map(([signal, outcomes]) => [
      signal,
      Object.fromEntries(Object.entries(outcomes).filter(([, items]) => items !== 0)),
    ]),
  );
}
