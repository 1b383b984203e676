import type { ConfigInput } from "../../config/schema/config.ts";
import type { ChangeOutcome } from "../../control/apply-outcome.ts";
import { openHistory } from "../../control/history/history.ts";
import type { RouteTable } from "../../control/route-table.ts";
import type { LedgerRow } from "../../core/snapshot.ts";
import type { Reply } from "../../data/receive/request.ts";
import { noRouteIn } from "../../data/route/place.ts";
import type { TargetSet } from "../../data/target-set.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { DataPlaneStatus } from "../../plan/data-plane.ts";
import { type ExplainInput, readExplainInput, simpleRequest } from "../../plan/explain-input.ts";
import { type SimpleItem, SimpleItemSchema } from "../../plan/simple-item.ts";
import type { Env } from "../../telemetry/env.ts";
import { exposition } from "../../telemetry/prometheus.ts";
import { exportLedger } from "../../telemetry/runtime.ts";
import { snapshotMetrics } from "../../telemetry/snapshot.ts";
import type { EmbeddedDataPlane } from "../../data/embedded.ts";
import { openDocumentService } from "../../control/document/document-service.ts";
import { openSteering } from "../steering.ts";
import { type ConfigDocument, type EmbedOptions, openParts, readDocument, type Written } from "./parts.ts";
import { type Route, routeOf } from "./route.ts";

/** One rule as it stands in a config. */
export type RuleInput = Written<NonNullable<ConfigInput["rules"]>[number]>;

/** An OTLP export request. */
export interface OtlpRequest {
  /** Protobuf or OTLP's JSON. */
  readonly body: Uint8Array | string;
  /** Needed where it cannot be seen: for most of what is protobuf. */
  readonly signal?: Signal;
  /** Of items that state none; the node's region without. */
  readonly region?: string;
  /** The sender's, as rules and targets with `forward_headers` see them; names in any case. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SendOptions {
  /** For how long the sender waits, in milliseconds; `node.limits.request_timeout` without. */
  readonly timeoutMs?: number;
}

/**
 * A router inside a process of your own: the rules, pools and targets of a config, without
 * listeners.
 */
export interface EmbeddedRouter extends AsyncDisposable {
  /** Of the config that runs; counts up with every change. */
  readonly version: number;
  /** Its targets, live: statuses, operators' overrides, single sends, strategies over them. */
  readonly targets: TargetSet;
  /** Its config: single elements, whole documents, versions, differences, rollback. */
  readonly table: RouteTable;

  /**
   * Where an item would go if it came now. Changes nothing. Throws a TypeError for what is no item.
   */
  route(item: SimpleItem): Route;
  /**
   * The same for each item of a request, 1,000 at most. Throws a TypeError for what is no request.
   */
  routeRequest(request: OtlpRequest): readonly Route[];
  /**
   * Routes and delivers: the answer is what a sender would get, when its pools' `ack` says so.
   * Never rejects.
   */
  send(what: SimpleItem | OtlpRequest, options?: SendOptions): Promise<Reply>;

  /**
   * Adds a rule at the end, or in front of another. `exists` when there is one of its id. Never
   * rejects.
   */
  addRule(rule: RuleInput, before?: string): Promise<ChangeOutcome>;
  /**
   * Puts a rule in the place of the one with its id. `unknown` when there is none. Never rejects.
   */
  updateRule(rule: RuleInput): Promise<ChangeOutcome>;
  removeRule(id: string): Promise<ChangeOutcome>;

  /** Pools and targets, for people. */
  status(): DataPlaneStatus;
  /** What became of all items, by signal, rule and pool. */
  ledger(): readonly LedgerRow[];
  /** All metrics, in Prometheus' text format. */
  metrics(): string;
}

/**
 * Opens a router on a config. Throws CONFIG_INVALID with all errors of the config, and TLS_INVALID.
 * Nothing listens; `node` of the config counts only for its region, its limits and its grace.
 * Disposing it delivers what it holds, within that grace.
 */
export async function createRouter(document: ConfigDocument, options: EmbedOptions = {}): Promise<EmbeddedRouter> {
  const { config, source } = readDocument(document, options);
  const { embedded, env, log } = await openParts({ config, source }, options);
  const { dataPlane } = embedded;
  const history = await openHistory({ directory: undefined, clock: env.clock, log });
  const documents = openDocumentService({ clock: env.clock, sent: "by_length" });
  const { table } = await openSteering(
    { config, plan: embedded.running },
    { dataPlane, env, history, documents },
    { log, source },
  );
  return new Embedded(embedded, table, documents, env);
}

const MAX_ITEMS = 1_000;

class Embedded implements EmbeddedRouter {
  readonly targets: TargetSet;
  readonly table: RouteTable;
  readonly #embedded: EmbeddedDataPlane;
  readonly #documents: AsyncDisposable;
  readonly #env: Env;

  constructor(embedded: EmbeddedDataPlane, table: RouteTable, documents: AsyncDisposable, env: Env) {
    this.targets = embedded.targets;
    this.table = table;
    this.#embedded = embedded;
    this.#documents = documents;
    this.#env = env;
  }

  get version(): number {
    return this.#embedded.running.version;
  }

  route(item: SimpleItem): Route {
    return this.#routes(readItem(item), item)[0]!;
  }

  routeRequest({ body, signal, ...from }: OtlpRequest): readonly Route[] {
    return this.#routes(readRequest(body, signal), from);
  }

  async send(what: SimpleItem | OtlpRequest, { timeoutMs }: SendOptions = {}): Promise<Reply> {
    const input = "body" in what ? readRequest(what.body, what.signal) : readItem(what);
    const message = input.ok ? input.note : input.message;
    if (!input.ok || message !== "") return { ok: false, refusal: { reason: "bad_data", message } };
    const region = what.region ?? this.#embedded.running.nodeRegion;
    const { signal, bytes } = input;
    return this.#embedded.send({ signal, bytes, region, headers: what.headers, timeoutMs });
  }

  addRule(rule: RuleInput, before?: string): Promise<ChangeOutcome> {
    return this.table.edit({ kind: "add", section: "rules", id: rule.id, value: { ...rule }, before }, undefined);
  }

  updateRule(rule: RuleInput): Promise<ChangeOutcome> {
    return this.table.edit({ kind: "put", section: "rules", id: rule.id, value: { ...rule } }, undefined);
  }

  removeRule(id: string): Promise<ChangeOutcome> {
    return this.table.edit({ kind: "remove", section: "rules", id }, undefined);
  }

  status(): DataPlaneStatus {
    return this.#embedded.status();
  }

  ledger(): readonly LedgerRow[] {
    return this.#env.ledger.snapshot();
  }

  metrics(): string {
    exportLedger(this.#env.metrics, this.#env.ledger);
    return exposition(snapshotMetrics(this.#env.metrics));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#embedded.dataPlane.shutdown(this.table.status.running.node.shutdown_grace);
    await this.#documents[Symbol.asyncDispose]();
  }

  #routes(input: ExplainInput, { region, headers }: Pick<SimpleItem, "region" | "headers">): readonly Route[] {
    if (!input.ok) throw new TypeError(input.message);
    const { signal, bytes } = input;
    const request = { signal, bytes, region, headers, maxItems: MAX_ITEMS };
    const { items, refusal } = this.#embedded.explain(request);
    if (items.length === 0 && refusal !== null) throw new TypeError(refusal.message);
    const { reason, message } = noRouteIn(this.#embedded.running);
    return items.map((item) => routeOf(item, (id) => this.targets.status(id), { reason, message }));
  }
}

function readItem(item: SimpleItem): ExplainInput {
  const { success, error } = SimpleItemSchema.safeParse(item);
  return success ? simpleRequest(item) : { ok: false, message: error.issues.map(({ message }) => message).join("; ") };
}

function readRequest(body: Uint8Array | string, signal: Signal | undefined): ExplainInput {
  return readExplainInput(typeof body === "string" ? Buffer.from(body) : body, signal);
}
