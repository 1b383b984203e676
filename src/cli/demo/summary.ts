import { grouped } from "../print.ts";
import { STANDARD_ADDRESSES } from "./cast.ts";
import { ledgerText } from "./render.ts";
import type { DemoResult } from "./run-demo.ts";

/** Nothing that was acknowledged is missing, and the router can say where everything went. */
export function isGood({ load, ledger }: DemoResult): boolean {
  return load.lost === 0 && ledger.balanced;
}

/** `signalbox` is how the command is called from where the reader is. */
export function summaryText(result: DemoResult, signalbox: string): string {
  return `${outcomeText(result)}\n${nextText(signalbox)}`;
}

function outcomeText(result: DemoResult): string {
  const { elapsedMs, load, targets, failedOver, duplicates, ledger, drained } = result;
  const rows = [
    row("sent", load.sent),
    row("acknowledged", load.acknowledged, "answered with success once a target had them"),
    ...(load.failed > 0 ? [row("not acknowledged", load.failed, `the sender was told: ${load.lastFailure}`)] : []),
    row("lost", load.lost, load.lost === 0 ? "nothing that was acknowledged is missing" : LOST),
    row("failed over", failedOver, "payments that target-2 took for target-1"),
    row("duplicates", duplicates, duplicates === 0 ? "" : DUPLICATES),
    "",
    row("delivered", ledger.delivered, `${grouped(ledger.copied)} of them copies`),
    ...targets.map(({ id, protocol, items }) => row(`  ${id}`, items, `by ${protocol}`)),
    "",
    `  ledger ${ledger.balanced ? "balanced ✓" : "NOT balanced ✗"}`,
    `    ${ledgerText(ledger)}`,
    ...(drained ? [] : ["  the router was stopped before its queues were empty"]),
    "",
  ];
  return `\nSignalbox demo, ${(elapsedMs / 1_000).toFixed(0)} seconds; spans, data points and log records\n\n${rows.join("\n")}`;
}

function row(name: string, items: number, remark = ""): string {
  const line = `  ${name.padEnd(18)}${grouped(items).padStart(11)}`;
  return remark === "" ? line : `${line}   ${remark}`;
}

const LOST = "ACKNOWLEDGED, BUT AT NONE OF THESE TARGETS";
const DUPLICATES = "a connection was cut before the answer came";

function nextText(signalbox: string): string {
  return `How to go on
  # the config of this demo: its targets ended with it, so put OTLP servers of your own in their place
  ${signalbox} demo --print-config > signalbox.yaml
  # a node that watches its config: edits take effect while data flows
  ${signalbox} run signalbox.yaml
  # a load for it
  ${signalbox} send
  # what became of everything it received; also /api/v1/targets and /metrics
  curl http://${STANDARD_ADDRESSES.admin}/api/v1/ledger
README.md tells the rest.
`;
}
