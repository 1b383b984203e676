import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { POINTS_PER_METRIC } from "../../generate/items.ts";
import { tallyItems } from "../../generate/read-back.ts";
import { Tally } from "../../generate/tally.ts";
import { viewResource } from "../../otlp/resource.ts";
import { Envelope, scanEnvelope } from "../../otlp/scan.ts";
import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import { HOST, type RuleId, RULES, ruleOf, type DemoTargetFacts } from "./cast.ts";
import { listenGrpc, listenHttp, type TargetServer } from "./demo-listeners.ts";

/**
 * An OTLP server that takes everything and counts it. It can be stopped and started again, on the
 * same port.
 */
export class DemoTarget implements AsyncDisposable {
  readonly facts: DemoTargetFacts;
  readonly arrivals: Arrivals;
  readonly #env: { readonly clock: Clock; readonly random: Random };
  #port: number;
  #server: TargetServer | undefined;

  /** `port` 0: any free one. */
  constructor(facts: DemoTargetFacts, port: number, tallies: DemoTallies, env: { clock: Clock; random: Random }) {
    this.facts = facts;
    this.arrivals = new Arrivals(facts.id, tallies);
    this.#port = port;
    this.#env = env;
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  /** Throws LISTEN_FAILED when its port is taken. From the first start on it keeps its port. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const listen = this.facts.protocol === "grpc" ? listenGrpc : listenHttp;
    const take = (signal: Signal, bytes: Uint8Array): boolean => this.arrivals.take(signal, bytes);
    this.#server = await listen({ host: HOST, port: this.#port }, take, this.#env);
    this.#port = this.#server.port;
  }

  /** Cuts connections without a word, as a crash would. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What a target has received: spans, data points, log records. */
export class Arrivals {
  readonly #target: string;
  readonly #tallies: DemoTallies;
  readonly #envelope = new Envelope();
  readonly #byRule = new Map<RuleId, number>(RULES.map(({ id }) => [id, 0]));

  constructor(target: string, tallies: DemoTallies) {
    this.#target = target;
    this.#tallies = tallies;
  }

  get items(): number {
    return this.#byRule.values().reduce((sum, items) => sum + items, 0);
  }

  /** What this rule brought. */
  by(rule: RuleId): number {
    return this.#byRule.get(rule) ?? 0;
  }

  /** Counts an Export request. False, and nothing counted, when it is malformed. */
  take(signal: Signal, bytes: Uint8Array): boolean {
    const envelope = this.#envelope;
    if (!scanEnvelope(signal, bytes, envelope)) return false;
    for (let r = 0; r < envelope.resources; r++) {
      const resource = viewResource(bytes.subarray(envelope.resourceStart[r], envelope.resourceEnd[r]));
      const rule = ruleOf(this.#target, signal, String(resource.attributes.get("service.name")));
      this.#byRule.set(rule, this.by(rule) + (envelope.points[r] ?? 0));
    }
    const { first, copies } = this.#tallies;
    tallyItems(signal, bytes, this.#target === "errors" && signal === "traces" ? copies : first[signal]);
    return true;
  }
}

/** 134 million items of each signal in 16 MiB: more than the demo sends in a day. */
const MAX_PAGES = 256;

/** Which generated items arrived at any target. */
export interface DemoTallies {
  /** Where the rules sent them: each once, unless it was delivered again. */
  readonly first: Readonly<Record<Signal, Tally>>;
  /** Copies of spans that a rule asked for. */
  readonly copies: Tally;
}

export function openTallies(): DemoTallies {
  const first = { traces: new Tally(MAX_PAGES), metrics: new Tally(MAX_PAGES), logs: new Tally(MAX_PAGES) };
  return { first, copies: new Tally(MAX_PAGES) };
}

/**
 * What the router's ledger counts for so many generated items: spans, data points of metrics, log
 * records.
 */
export function ledgerItems(signal: Signal, items: number): number {
  return signal === "metrics" ? items * POINTS_PER_METRIC : items;
}

/** Arrivals of an item after its first, copies by rule left aside. */
export function duplicates({ first }: DemoTallies): number {
  return SIGNALS.reduce((sum, signal) => sum + ledgerItems(signal, first[signal].counts().duplicates), 0);
}
