import { accountedItems, type Ledger } from "../../telemetry/ledger.ts";
import type { LedgerTotals } from "./view.ts";

/** Sums up what the router's ledger says now. */
export function ledgerTotals(ledger: Ledger): LedgerTotals {
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
