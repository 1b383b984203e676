import assert from "node:assert/strict";
import { test } from "node:test";
import { eachListener, type ListenerKind } from "../../core/listener-kinds.ts";
import { findSkew } from "./skew.ts";
import { WorkerSlot } from "./worker-slot.ts";

/** A worker with so much work and so many connections. */
function slot(index: number, itemsPerSecond: number, connections: Connections): WorkerSlot {
  const made = new WorkerSlot(index);
  Object.assign(made.connections, NONE, connections);
  return Object.create(made, { itemsPerSecond: { value: itemsPerSecond }, connections: { value: made.connections } });
}

type Connections = Readonly<Partial<Record<ListenerKind, number>>>;
const NONE = eachListener(() => 0);
const CASES: readonly {
  readonly name: string;
  readonly connections: Connections;
  readonly last?: ListenerKind;
  readonly want: ListenerKind | undefined;
}[] = [
  { name: "one of each is all it has", connections: { otlp_grpc: 1, otlp_http: 1 }, want: undefined },
  { name: "HTTP only", connections: { otlp_grpc: 0, otlp_http: 2 }, want: "otlp_http" },
  { name: "HTTP only, again", connections: { otlp_grpc: 1, otlp_http: 2 }, last: "otlp_http", want: "otlp_http" },
  { name: "both", connections: { otlp_grpc: 2, otlp_http: 20 }, want: "otlp_grpc" },
  { name: "both, again", connections: { otlp_grpc: 2, otlp_http: 20 }, last: "otlp_grpc", want: "otlp_http" },
];
for (const { name, connections, last, want } of CASES) {
  test(`which connection a worker with most of the work is relieved of: ${name}`, () => {
    assert.equal(findSkew([slot(0, 1_000, connections), slot(1, 0, NONE)], last)?.listener, want);
  });
}
