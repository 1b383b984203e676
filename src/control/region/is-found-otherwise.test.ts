import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "../../../test/support/fleet/reports.ts";
import { FLEET_BOUNDS } from "../fleet/bounds.ts";
import type { CollectorReport } from "../fleet/messages.ts";
import type { KnownCollector } from "./collector-table.ts";
import { isFoundOtherwise } from "./is-found-otherwise.ts";
import { findMembers } from "../../../test/support/fleet/find-members.ts";

const AT = { otlpGrpc: "10.0.0.1:4317", otlp_http: "10.0.0.1:4318" };

function known(report: CollectorReport, state: KnownCollector["state"] = "live"): KnownCollector {
  return { report, state, seenMs: 0, firstSeenMs: 0, reports: 1 };
}

function idsOf(all: readonly KnownCollector[], tags = {}, listener = "otlp_grpc"): string[] {
  return findMembers(all, { region: "eu", tags, listener }).members.map(({ id }) => id);
}

test("members are found by tags, with globs, in the order of their ids", () => {
  const all = [
    known(reportOf("c", { addresses: AT, tags: { tier: "gateway" } })),
    known(reportOf("a", { addresses: AT, tags: { tier: "gate", zone: "1" } })),
    known(reportOf("b", { addresses: AT, tags: { tier: "small" } })),
    known(reportOf("d", { addresses: AT })),
  ];
  assert.deepEqual(idsOf(all), ["a", "b", "c", "d"]);
  assert.deepEqual(idsOf(all, { tier: "gate*" }), ["a", "c"]);
  assert.deepEqual(idsOf(all, { tier: "gate*", zone: "*" }), ["a"]);
  assert.deepEqual(idsOf(all, { constructor: "*" }), []);
});

test("who is unhealthy is passed over, who is silent is used until it is gone, and load is told", () => {
  const load = { ...reportOf("a").load, utilization: 0.25 };
  const all = [
    known(reportOf("a", { addresses: AT, load }), "suspect"),
    known(reportOf("b", { addresses: AT, health: { state: "unhealthy", reason: "full" } })),
    known(reportOf("c", { addresses: AT, health: { state: "unknown", reason: "" } })),
  ];
  assert.deepEqual(findMembers(all, { region: "eu", tags: {}, listener: "otlp_grpc" }).members, [
    { id: "a", address: "10.0.0.1:4317", utilization: 0.25 },
    { id: "c", address: "10.0.0.1:4317", utilization: 0 },
  ]);
});

test("of a member that address is told where it takes what is sent, and nobody is found who has none", () => {
  const all = [
    known(reportOf("a", { addresses: AT })),
    known(reportOf("b", { addresses: { otlpGrpc: "0.0.0.0:4317" } })),
    known(reportOf("c", { addresses: { otlpGrpc: "nowhere" } })),
    known(reportOf("d", { addresses: { admin: "10.0.0.1:4320" } })),
    known(reportOf("e", { addresses: { otlpGrpc: "999.1.1.1:4317" } })),
    known(reportOf("f", { addresses: { otlpGrpc: "[fe80::1%eth0]:4317" } })),
  ];
  assert.deepEqual(idsOf(all), ["a"]);
  const [http] = findMembers(all, { region: "eu", tags: {}, listener: "otlp_http" }).members;
  assert.equal(http?.address, "10.0.0.1:4318");
});

test("of more than are used it is the first by id, whoever asks, and it is told how many fit", () => {
  const all = Array.from({ length: 100 }, (_, i) => known(reportOf(`n${100 + i}`, { addresses: AT })));
  const found = findMembers(all.toReversed(), { region: "eu", tags: {}, listener: "otlp_grpc" });
  assert.equal(found.total, 100);
  assert.deepEqual(
    found.members.map(({ id }) => id),
    all.slice(0, FLEET_BOUNDS.found).map(({ report }) => report.id),
  );
});

const CHANGES: { name: string; more: Partial<CollectorReport>; want: boolean }[] = [
  { name: "load alone", more: { load: { ...reportOf("a").load, utilization: 0.9 }, seq: 9 }, want: false },
  { name: "an address", more: { addresses: { otlpGrpc: "10.0.0.2:4317" } }, want: true },
  { name: "a tag", more: { tags: { tier: "x" } }, want: true },
  { name: "health", more: { health: { state: "unhealthy", reason: "" } }, want: true },
];
for (const { name, more, want } of CHANGES) {
  test(`others find ${want ? "somebody else" : "the same"} when ${name} is another one`, () => {
    const before = reportOf("a", { addresses: AT, tags: { tier: "g" } });
    assert.equal(isFoundOtherwise(before, { ...before, ...more }), want);
  });
}
