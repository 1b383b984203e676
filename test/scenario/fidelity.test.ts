import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { explode, type ExplodedItem, explodePlain } from "../support/oracle/explode.ts";
import { toOtlpJson } from "../support/oracle/otlp-json.ts";
import { arbitraryEncoding, type Encoding } from "../support/oracle/scramble.ts";
import { OtlpSender, SEND_WAYS, type SendVariant } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { slow } from "../support/sinks/sink-script.ts";
import { routeNaively } from "../route/naive.ts";

/** More of them find more, and take longer. */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 50);
/** Ends what looks for a smaller example. */
const LIMIT = { interruptAfterTimeLimit: 60_000 + RUNS * 100 };

/** One target for each pool, of both protocols, with and without compression. */
const POOLS = {
  pools: { p0: { targets: ["p0"] }, p1: { targets: ["p1"] }, p2: { targets: ["p2"] } },
  targets: [{ id: "p0" }, { id: "p1", protocol: "http/protobuf" }, { id: "p2", compression: "gzip" }],
};
const BY_RESOURCE = [
  { id: "named", conditions: [{ resource: { key: "service.name", exists: true } }], pool: "p0" },
  { id: "regional", conditions: [{ region: { regex: "." } }, { not: { region: "default" } }], pool: "p1" },
  { id: "routed", conditions: [{ resource: { key: "http.route", exists: true } }], pool: "p1" },
];
const BY_ITEM = [
  { id: "by-attribute", conditions: [{ attribute: { key: "http.route", exists: true } }], pool: "p0" },
  { id: "by-severity", signals: ["logs"], conditions: [{ severity: { gte: "WARN" } }], pool: "p1" },
  { id: "by-kind", signals: ["traces"], conditions: [{ span_kind: ["server", "client"] }], pool: "p1" },
  { id: "by-name", signals: ["metrics"], conditions: [{ metric_name: { regex: "^[ -Z]" } }], pool: "p1" },
];
const COPIES = [
  { id: "copy-pods", mode: "copy", conditions: [{ attribute: { key: "k8s.pod.name", exists: true } }], pool: "p1" },
  { id: "copy-named", mode: "copy", conditions: [{ resource: { key: "service.name", exists: true } }], pool: "p2" },
];

const scenarios = [
  { name: "unsplit", rules: [], divided: false },
  { name: "split by resource", rules: BY_RESOURCE, divided: false },
  { name: "split by item", rules: BY_ITEM, divided: true },
  { name: "copied", rules: COPIES, divided: true },
  { name: "copied, split by item and by resource", rules: [...COPIES, ...BY_ITEM, ...BY_RESOURCE], divided: true },
];

for (const { name, rules, divided } of scenarios) {
  test(`fidelity: ${name}, every target gets exactly what the rules say, to the last unknown field`, async () => {
    await using scene = await openScene({ ...POOLS, rules, default_pool: "p2" });
    await fc.assert(
      fc.asyncProperty(arbitrarySending(), async (sending) => {
        await scene.send([sending]);
        scene.compare([sending]);
        if (sending.way === "json") return;
        compareExtras(scene, sending);
        if (!divided) compareWhole(scene, sending);
      }),
      { numRuns: RUNS, ...LIMIT },
    );
    const used = Object.values(scene.sinks).filter((sink) => sink.counts().acceptedItems > 0);
    assert.ok(used.length >= Math.min(2, rules.length + 1), "the rules never divided anything");
  });
}

const batched = [
  { name: "whole", rules: [] },
  { name: "in parts", rules: [...COPIES, ...BY_ITEM] },
];
for (const { name, rules } of batched) {
  test(`fidelity: many requests, sent on ${name} in batches while targets are busy, arrive complete and once`, async () => {
    const busy = POOLS.targets.map((target) => ({ ...target, limits: { max_in_flight: 1 } }));
    await using scene = await openScene({ ...POOLS, targets: busy, rules, default_pool: "p2" });
    for (const sink of Object.values(scene.sinks)) sink.script = slow(5);
    let sent = 0;
    const several = fc
      .constantFrom(...SIGNALS)
      .chain((signal) => fc.array(sendingOf(signal), { minLength: 4, maxLength: 12 }));
    await fc.assert(
      fc.asyncProperty(several, async (sendings) => {
        await scene.send(sendings);
        scene.compare(sendings);
        sent += sendings.filter((sending) => itemsOf(sending).length > 0).length;
      }),
      { numRuns: Math.ceil(RUNS / 3), ...LIMIT },
    );
    assert.ok(scene.sinks["p2"]!.counts().requests < sent, "nothing was ever batched");
  });
}

/** A request and how it is sent. */
interface Sending {
  readonly signal: Signal;
  readonly way: SendVariant;
  readonly encoding: Encoding;
  readonly gzip: boolean;
}

function arbitrarySending(): fc.Arbitrary<Sending> {
  return fc.constantFrom(...SIGNALS).chain(sendingOf);
}

function sendingOf(signal: Signal): fc.Arbitrary<Sending> {
  const way = fc.constantFrom(...SEND_WAYS);
  return fc.record({ signal: fc.constant(signal), way, encoding: arbitraryEncoding(signal), gzip: fc.boolean() });
}

/** JSON has no place for unknown fields: there only the meaning can be compared. */
function itemsOf({ signal, way, encoding }: Sending): readonly ExplodedItem[] {
  return way === "json" ? explodePlain(signal, encoding.plain) : explode(signal, encoding.bytes).items;
}

/**
 * Texts of items at one pool; those that came as JSON by their meaning, the others by their bytes
 * as well.
 */
type Holding = Map<string, string[]>;

class Scene implements AsyncDisposable {
  readonly sinks: Readonly<Record<string, Sink>>;
  readonly node: TestNode;
  readonly #sender: OtlpSender;
  /** Requests at each sink that were looked at. */
  readonly #seen = new Map<string, number>();

  constructor(node: TestNode, sinks: Readonly<Record<string, Sink>>) {
    this.node = node;
    this.sinks = sinks;
    this.#sender = new OtlpSender(node);
  }

  async send(sendings: readonly Sending[]): Promise<void> {
    for (const [pool, sink] of Object.entries(this.sinks)) this.#seen.set(pool, sink.requests.length);
    const answers = await Promise.all(
      sendings.map(({ signal, way, encoding, gzip }) => {
        const json = (): Buffer => Buffer.from(toOtlpJson(signal, encoding.plain, seededRandom(1)));
        return this.#sender.send(way, signal, way === "json" ? json() : encoding.bytes, { gzip });
      }),
    );
    for (const answer of answers) assert.deepEqual([answer.ok, answer.rejected, answer.message], [true, 0, ""]);
  }

  /** The requests that `pool`'s target got since the last `send` began. */
  arrived(pool: string): readonly Uint8Array[] {
    return this.sinks[pool]!.requests.slice(this.#seen.get(pool)).map(({ body }) => body);
  }

  arrivedAnywhere(): readonly Uint8Array[] {
    return Object.keys(this.sinks).flatMap((pool) => this.arrived(pool));
  }

  compare(sendings: readonly Sending[]): void {
    const { signal } = sendings[0]!;
    const byBytes = sendings.every(({ way }) => way !== "json");
    const textOf = ({ raw, meaning }: ExplodedItem): string => (byBytes ? `${raw} ${meaning}` : meaning);
    const wanted = this.#wanted(sendings, textOf);
    for (const pool of Object.keys(this.sinks)) {
      const got = this.arrived(pool).flatMap((body) => explode(signal, body).items.map(textOf));
      assert.deepEqual(got.toSorted(), (wanted.get(pool) ?? []).toSorted(), `at ${pool}`);
    }
  }

  #wanted(sendings: readonly Sending[], textOf: (item: ExplodedItem) => string): Holding {
    const { rules, default_pool: defaultPool } = this.node.running.walk.status.running;
    const wanted: Holding = new Map();
    for (const sending of sendings) {
      for (const item of itemsOf(sending)) {
        const naive = { ...item, signal: sending.signal, listenerRegion: "default" };
        const { copies, pool } = routeNaively(rules satisfies readonly RuleSpec[], defaultPool, () => true, naive);
        for (const name of [...copies, pool!]) wanted.set(name, [...(wanted.get(name) ?? []), textOf(item)]);
      }
    }
    return wanted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
    for (const sink of Object.values(this.sinks)) await sink[Symbol.asyncDispose]();
  }
}

async function openScene(config: Readonly<Record<string, unknown>>): Promise<Scene> {
  const sinks = { p0: await openGrpcSink(), p1: await openHttpSink(), p2: await openGrpcSink() };
  return new Scene(await startTestNode(config, { sinks }), sinks);
}

/**
 * Each part of what was cut has the request's own unknown fields: once, or once for each part that
 * shares a batch.
 */
function compareExtras(scene: Scene, { signal, encoding }: Sending): void {
  const { extras, items } = explode(signal, encoding.bytes);
  if (items.length === 0) return;
  for (const body of scene.arrivedAnywhere()) {
    const got = explode(signal, body).extras;
    assert.equal(got, extras.repeat(extras === "" ? 1 : Math.max(1, got.length / extras.length)));
  }
}

/** What no rule divides is the same bytes. */
function compareWhole(scene: Scene, { encoding }: Sending): void {
  const [body, ...others] = scene.arrivedAnywhere();
  if (body !== undefined && others.length === 0) assert.deepEqual(Buffer.from(body), Buffer.from(encoding.bytes));
}
