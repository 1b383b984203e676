import assert from "node:assert/strict";
import test from "node:test";
import { loadText } from "../../../test/config/load-text.ts";
import type { ClassRate } from "../../plan/sampling/class-rate.ts";
import { rateIn } from "../../plan/sampling/class-rate.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { readSamplingDirective, writeSamplingDirective } from "./directive-body.ts";
import { SamplingDecider } from "./sampling-decider.ts";

/** What a DirectiveWriter takes. */
const MOST_BYTES = 262_144;

/** Of so many classes, a region in two with a ceiling that binds. */
function decided(classes: number, regions: number): SamplingDirective {
  const names = Array.from({ length: classes }, (_, i) => `service-${i}`);
  const rules = names.map((name, i) => ({ priority: "low", rate: i % 3 === 0 ? 0.2 : 0.9, services: [name] }));
  const ceilings = Array.from({ length: regions }, (_, i) => [
    `region-${i}`,
    { sampling_rate: 0.1 + (i % 2) * 0.8 + i / 1_000 },
  ]);
  const { config, problems } = loadText(
    JSON.stringify({
      targets: [{ id: "a", endpoint: "http://a:1" }],
      global: {
        sampling: { randomness: "hash" },
        sampling_strategies: [
          { type: "priority_based", rules },
          { type: "adaptive", min_rate: 0.001, max_rate: 1, target_qps: 3_000 },
        ],
      },
      regions: Object.fromEntries(ceilings),
    }),
  );
  assert.ok(config, JSON.stringify(problems[0]));
  const decider = new SamplingDecider();
  const one = { signal: "traces", arrival: 1, items: 100, bytes: 0, traces: 1 } as const;
  const rows = names.map((_, i) => ({ ...one, class: i === 0 ? "low" : `low-${i + 1}`, region: "region-0" }));
  decider.hear("region-0", { seq: 1, latest: rows, smooth: rows, collectors: 1, isLearning: false }, 0);
  const directive = decider.step(config, { nowMs: 0, wallMs: 0 });
  assert.ok(directive);
  return directive;
}

function inOrder(rates: readonly ClassRate[]): ClassRate[] {
  const keyOf = (one: ClassRate): string => `${one.signal} ${one.class} ${one.region ?? ""}`;
  return JSON.parse(JSON.stringify(rates.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)))) as ClassRate[]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- they were rates
}

test("sampling: what is decided of many classes in many regions fits a directive, and is read as it was decided", () => {
  const directive = decided(150, 60);
  assert.ok(JSON.stringify(directive).length > MOST_BYTES, "told one by one it would not");
  const body = writeSamplingDirective(directive);
  assert.ok(Buffer.byteLength(body) < MOST_BYTES / 4, `${body.length}`);
  const read = readSamplingDirective(body);
  assert.ok(read.ok);
  assert.deepEqual(inOrder(read.value.rates), inOrder(directive.rates));
  assert.deepEqual(read.value.held, directive.held);
  for (const region of ["region-0", "region-1", "elsewhere"]) {
    const of = { signal: "traces", class: "low-4", region } as const;
    assert.equal(rateIn(read.value.rates, of)?.probability, rateIn(directive.rates, of)?.probability);
  }
});

test("sampling: a short list of rates is told as versions before read it, and a made-up long one is refused", () => {
  const directive = decided(3, 2);
  const body = writeSamplingDirective(directive);
  assert.equal(body, JSON.stringify(directive));
  const names = Array.from({ length: 2_000 }, (_, i) => String(i));
  const alike = [{ signal: "traces", classes: names, regions: names, common: true, probability: 1, reason: "class" }];
  assert.equal(readSamplingDirective(JSON.stringify({ rates: [], alike })).ok, false);
});
