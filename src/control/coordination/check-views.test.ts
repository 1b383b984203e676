import assert from "node:assert/strict";
import { test } from "node:test";
import { isoTime } from "../../core/iso-time.ts";
import { noNumbers } from "../region/fleet-numbers.ts";
import type { FleetNumbers, RegionSummary } from "../region/region-summary.ts";
import { versionFindings } from "./check-versions.ts";
import { type FleetSeen, viewFindings } from "./check-views.ts";
import type { DoctorFinding } from "./doctor-finding.ts";
import type { LeaderView } from "./seats.ts";

const NOW_MS = 1_800_000_000_000;

function leaderOf(id: string, epoch: string, agoMs = 600_000): LeaderView {
  return { id, epoch, since: isoTime(NOW_MS - agoMs), value: "" };
}

function summaryOf(
  region: string,
  more: Partial<RegionSummary> = {},
  numbers: Partial<FleetNumbers> = {},
): RegionSummary {
  const written = { controller: "a", epoch: "1.5", seq: 1, adopted: false, observed_at: isoTime(NOW_MS - 5_000) };
  return { schema: 1, region, ...written, view_digest: "", ...more, numbers: { ...noNumbers(), ...numbers } };
}

function told(found: readonly DoctorFinding[]): string {
  for (const { status, hint } of found) assert.equal(hint === undefined, status === "ok");
  return found.map(({ check, status, message }) => `${check} ${status}: ${message}`).join("\n");
}

function views(more: Partial<FleetSeen>): string {
  const listed = new Set(["a", "b"]);
  const leaders = { global: leaderOf("b", "1.3"), regions: { eu: leaderOf("a", "1.5") } };
  return told(viewFindings({ summaries: [summaryOf("eu")], leaders, listed, nowMs: NOW_MS, ...more }));
}

test("views: who leads a region is who tells of it, or it is said what differs", () => {
  assert.equal(views({}), "views ok: regions that their controllers tell of: 1");
  assert.match(
    views({ summaries: [], leaders: { global: null, regions: {} } }),
    /^views ok: no region has a controller$/u,
  );
  const other = views({ summaries: [summaryOf("eu", { controller: "b", epoch: "1.4" })] });
  assert.match(
    other,
    /^views warning: region eu is led by a \(1\.5\), and told of by b \(1\.4\): they may see different/u,
  );
  assert.match(views({ summaries: [] }), /^views warning: a leads region eu, and has told nothing of it$/u);
  const old = views({ summaries: [summaryOf("eu", { observed_at: isoTime(NOW_MS - 100_000) })] });
  assert.match(old, /^views warning: a leads region eu, and has told nothing of it for 100 s$/u);
  const both = views({ summaries: [summaryOf("eu", { controller: "b", epoch: "1.3", adopted: true })] });
  assert.match(both, /^views warning: region eu is led by a, and adopted by b at the same time/u);
  assert.match(views({ listed: new Set(["b"]) }), /^views warning: a leads region eu, and is not listed/u);
});

test("views: a leader that is new has time to learn, and an adopted region is the fleet's leader's", () => {
  const regions = { eu: leaderOf("b", "1.9", 20_000) };
  assert.match(views({ leaders: { global: leaderOf("b", "1.3"), regions } }), /^views ok/u);
  const summaries = [summaryOf("eu", { controller: "b", epoch: "1.3", adopted: true })];
  assert.match(views({ summaries, leaders: { global: leaderOf("b", "1.3"), regions: { eu: null } } }), /^views ok/u);
  const nobody = views({ summaries, leaders: { global: null, regions: { eu: null } } });
  assert.match(nobody, /^views warning: region eu has no controller: what is known of it is of \d{4}-/u);
});

test("versions: of programs and of the config, by how many run each; programs that use the library are not meant", () => {
  const node = (id: string, version: string): { id: string; version: string; metadata: Record<string, string> } => ({
    id,
    version,
    metadata: { schema_max: "1" },
  });
  const same = [summaryOf("eu", {}, { versions: { "1.0.0": 3 }, config_versions: { "7": 3 } })];
  const program = { id: "job", version: "9", metadata: {} };
  const fine = versionFindings({ summaries: same, members: [node("a", "1.0.0"), program], current: 7 });
  assert.equal(told(fine), "versions ok: all that are known run one version of Signalbox, and version 7 of the config");
  const summaries = [
    summaryOf(
      "eu",
      {},
      { versions: { "1.0.0": 3 }, config_versions: { "7": 2, "6": 1 }, config_results: { refused: 1 } },
    ),
    summaryOf("us", {}, { versions: { "1.0.0": 1, "0.9.0": 2 }, config_versions: { "6": 3 } }),
    summaryOf("ap", {}, { versions: { "1.0.0": 1 }, config_versions: { "7": 1 } }),
  ];
  const drift = versionFindings({ summaries, members: [node("b", "1.1.0"), node("a", "1.0.0")], current: 7 });
  assert.equal(
    told(drift),
    [
      "versions warning: nodes run different versions of Signalbox: 0.9.0 (collectors: 2), 1.0.0 (controllers a; collectors: 5), 1.1.0 (controllers b)",
      "versions warning: the newest config was refused, and is not run; collectors: 1",
      "versions warning: the config is version 7, and others run, too: 6 (collectors: 4); regions: eu, us",
    ].join("\n"),
  );
  assert.match(told(versionFindings({ summaries: same, members: [], current: undefined })), /^versions ok: [^,]*$/u);
});
