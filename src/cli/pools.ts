import { listOf } from "../config/values.ts";
import { formatSize } from "../core/units.ts";
import { shown, shownNumber } from "./admin-client/fields.ts";
import { namesIn } from "./args.ts";
import { resourceGroup } from "./resource.ts";

export const group = resourceGroup({
  plural: "pools",
  noun: "pool",
  key: "name",
  summary: "Look at the pools of a running node, and change them.",
  list: {
    summary: "List the pools: their strategy, how many of their targets are usable, and what waits in them.",
    columns: () => [
      { title: "NAME", of: ({ name }) => shown(name) },
      { title: "STRATEGY", of: ({ strategy }) => shown(strategy) },
      {
        title: "USABLE",
        align: "right",
        of: ({ usable, targets }) => `${shown(usable)} of ${listOf(targets).length}`,
      },
      { title: "QUEUED", align: "right", of: ({ queued_items: items }) => shown(items) },
      { title: "BYTES", align: "right", of: ({ queued_bytes: bytes }) => shownNumber(bytes, roundSize) },
      { title: "IN FLIGHT", align: "right", of: ({ in_flight: calls }) => shown(calls) },
      { title: "FALLBACK", of: ({ fallback }) => shown(fallback) },
      { title: "TARGETS", wraps: true, of: ({ targets }) => shown(targets) },
    ],
  },
  add: {
    summary: "Add a pool.",
    usage: ["pools add --name <name> --targets <ids> [--strategy <strategy>]", "pools add -f <file>"],
    details: `A file has the pool as in the config, with its name beside it: { name: vault, targets: [a, b], strategy: failover }.`,
    flags: {
      name: { value: "name", help: "Its name." },
      targets: { value: "ids", help: "With commas between them." },
      strategy: { value: "strategy", help: "The name of a strategy." },
      fallback: { value: "pool", help: "The pool that takes over when this one cannot." },
    },
    members: (args) => ({
      name: args.required("name"),
      targets: namesIn(args, "targets"),
      strategy: args.text("strategy"),
      fallback: args.text("fallback"),
    }),
  },
});

function roundSize(bytes: number): string {
  const step = 1_024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return formatSize(Math.round(bytes / step) * step);
}
