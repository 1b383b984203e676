import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { RULES, STANDARD_ADDRESSES, TARGETS } from "./cast.ts";
import { paint } from "./line.ts";
import { type DemoView, renderView, type TargetRow } from "./render.ts";

const TARGET: Omit<TargetRow, "facts" | "port"> = {
  running: true,
  state: "ready",
  nextTryInMs: undefined,
  itemsPerSecond: 500,
  total: 12_345,
};

/** The moment after target-1 was stopped. */
const OUTAGE: DemoView = {
  addresses: STANDARD_ADDRESSES,
  elapsedMs: 9_400,
  durationMs: 30_000,
  caption: "target-1 is stopped.",
  itemsPerSecond: 2_012.4,
  rules: RULES.map((rule) => ({
    ...rule,
    perTarget: TARGETS.map(({ id }) => (rule.id === "payments" && id === "target-2" ? 1_402.6 : 0)),
  })),
  targets: TARGETS.map((facts) =>
    facts.id === "target-1"
      ? { ...TARGET, facts, port: 1, running: false, state: "ejected", nextTryInMs: 1_460, itemsPerSecond: 0 }
      : { ...TARGET, facts, port: 2 },
  ),
  ledger: { received: 18_457, copied: 240, delivered: 18_690, queued: 7, other: 0, balanced: true },
  events: [
    { atMs: 8_000, tone: "bad", text: "target-1 stopped" },
    { atMs: 8_300, tone: "good", text: "payments now go to target-2" },
  ],
};

function draw(view: DemoView, columns: number, rows: number): string[] {
  return renderView(view, columns, rows).map((line) => paint(line, columns, false));
}

test("the live view on a terminal of 80 columns and 24 rows", () => {
  assert.deepEqual(draw(OUTAGE, 79, 24), [
    "signalbox demo  7 services send 2,012 items/s                     0:09 / 0:30",
    "OTLP/gRPC 127.0.0.1:4317  OTLP/HTTP 127.0.0.1:4318  admin 127.0.0.1:4320",
    "target-1 is stopped.",
    "",
    "RULE        TAKES                 ITEMS/S target-1 target-2 target-3   errors",
    "copy-errors spans ≥ 500: a copy         0        ·        ·        ·        ·",
    "error-logs  logs ≥ ERROR                0        ·        ·        ·        ·",
    "payments    payment*: failover      1,403        ·    1,403        ·        ·",
    "shop        by weight 50:30:20          0        ·        ·        ·        ·",
    "(default)   everything else             0        ·        ·        ·        ·",
    "",
    "TARGET    STATE                                 ITEMS/S     TOTAL",
    "target-1  ○ stopped, ejected, try in 1.5 s            0    12,345",
    "target-2  ● ready                                   500    12,345  ████████████",
    "target-3  ● ready                                   500    12,345  ████████████",
    "errors    ● ready                                   500    12,345  ████████████",
    "",
    "ledger balanced ✓  received 18,457 + copied 240 = delivered 18,690 + queued 7",
    "",
    " 0:08  target-1 stopped",
    " 0:08  payments now go to target-2",
  ]);
});

const sizes = [
  { columns: 200, rows: 60, shows: /payment\*: failover +payments .*HTTP 127/su, hides: /…/u },
  { columns: 85, rows: 24, shows: /payment\*: failover +1,403/u, hides: /POOL/u },
  { columns: 59, rows: 24, shows: /^payments +1,403 +· +1,403/mu, hides: /failover/u },
  { columns: 51, rows: 24, shows: /^payments +· +1,403/mu, hides: /ITEMS\/S.*errors/u },
  { columns: 51, rows: 17, shows: /ledger balanced ✓ {2}in 18,697 = out 18,690/u, hides: /^$/mu },
  { columns: 30, rows: 8, shows: /^payments +· +1,403/mu, hides: /ledger/u },
];
for (const { columns, rows, shows, hides } of sizes) {
  test(`on ${columns} columns and ${rows} rows, what matters most is left`, () => {
    const text = draw(OUTAGE, columns, rows).join("\n");
    assert.match(text, shows);
    assert.doesNotMatch(text, hides);
  });
}

test("when there are more events than rows, the newest are shown", () => {
  const events = Array.from({ length: 30 }, (_, i) => ({
    atMs: i * 1_000,
    tone: "plain" as const,
    text: `event ${i}`,
  }));
  const lines = draw({ ...OUTAGE, events }, 80, 24);
  assert.equal(lines.length, 24);
  assert.match(lines.at(-1) ?? "", /0:29 {2}event 29$/u);
  assert.ok(!lines.some((line) => line.endsWith("event 0")));
});

test("a ledger that is not balanced says so, and an endless demo names no end", () => {
  const ledger = { ...OUTAGE.ledger, balanced: false, other: 3 };
  const text = draw({ ...OUTAGE, ledger, durationMs: Infinity }, 120, 40).join("\n");
  assert.match(text, /ledger NOT balanced ✗ .* \+ other 3$/mu);
  assert.match(text, / 0:09$/mu);
});

test("whatever the size and the numbers, no line is wider than the terminal, and colours change nothing else", () => {
  const size = fc.record({ columns: fc.integer({ min: 1, max: 250 }), rows: fc.integer({ min: 1, max: 80 }) });
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(size, fc.double({ min: 0, max: 1e9, noNaN: true }), text, ({ columns, rows }, rate, said) => {
      const targets = OUTAGE.targets.map((target) => ({ ...target, itemsPerSecond: rate, total: rate }));
      const events = [{ atMs: rate, tone: "bad" as const, text: said }];
      const lines = renderView({ ...OUTAGE, targets, events, caption: said, itemsPerSecond: rate }, columns, rows);
      assert.ok(lines.length <= rows);
      for (const line of lines) {
        const plain = paint(line, columns, false);
        assert.ok(plain.length <= columns, plain);
        assert.doesNotMatch(plain, /\p{Cc}/u);
        assert.equal(stripVTControlCharacters(paint(line, columns, true)).trimEnd(), plain);
      }
    }),
  );
});
