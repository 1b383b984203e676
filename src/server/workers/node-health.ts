import type { Cancel } from "../../core/clock.ts";
import { aloneTargets } from "../../data/export/alone-targets.ts";
import { openClient } from "../../data/export/client.ts";
import type { TargetHandle, ToldHandle } from "../../data/export/target-port.ts";
import { openTargets, type Targets } from "../../data/export/targets.ts";
import { openCheck } from "../../data/health/checks/open-check.ts";
import type { TargetNews } from "../../data/health/target-news.ts";
import type { ToldPart, ToldTarget } from "../../data/health/told-health.ts";
import { MemberBoard } from "../../data/resolve/member-board.ts";
import { createNodeResolver } from "../../data/resolve/node-resolver.ts";
import { targetStatus } from "../../data/status.ts";
import type { OperatorOverride, OperatorState, TargetStatus } from "../../plan/data-plane.ts";
import type { Plan, TargetPlan } from "../../plan/plan.ts";
import type { Env } from "../../telemetry/env.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { PartRecord, toldTo } from "./part-record.ts";
import { type FoundMembers, partName, placeIn } from "../../plan/members.ts";
import type { PlanData } from "../../plan/plan-data.ts";

/** How workers are reached, by their numbers from 0. */
interface HealthWorkers {
  /** Those that take connections. */
  ready(): readonly number[];
  tell(worker: number, message: ToWorker): void;
}

export type WorkerNews = Extract<FromWorker, { readonly kind: "news" }>;

interface TargetRecord {
  readonly handle: TargetHandle;
  /** By their addresses. */
  readonly parts: Map<string, PartRecord>;
  readonly unlisten: Cancel;
}

/**
 * The health of a node with workers: one machine for each target, and for each address behind its
 * name, with its checks and what operators want. Workers tell what their calls told, and are told
 * what is so by now.
 */
export class NodeHealth implements AsyncDisposable {
  readonly #env: Env;
  readonly #workers: HealthWorkers;
  readonly #targets: Targets;
  readonly #members = new MemberBoard();
  #version: number;
  /** By number of the worker: the last of its news that was heard. */
  readonly #heard: number[] = [];
  #records = new Map<string, TargetRecord>();
  /** Of which something may be different. */
  readonly #dirty = new Set<string>();
  /** Workers that are to be told of a target, whether something is different or not. */
  readonly #asking = new Map<number, Set<string>>();
  #flushing: NodeJS.Immediate | undefined;

  constructor(plan: Pick<Plan, "targets">, version: number, env: Env, workers: HealthWorkers) {
    this.#env = env;
    this.#workers = workers;
    this.#version = version;
    this.#targets = openTargets(plan.targets, {
      ...env,
      shows: "health",
      watch: { stateEntered: (id) => this.#changed(id) },
      openClient: (current) => openClient(current, env),
      resolver: createNodeResolver(env.clock),
      members: this.#members,
      openCheck: (check, current, client) => openCheck(check, current, client, env),
    });
    this.#listen();
  }

  /** Applies another plan; workers are told of it all when they have done so, too. */
  update(plan: Pick<Plan, "targets">, version: number, pools: PlanData["pools"]): void {
    this.#version = version;
    this.#targets.update(plan.targets, aloneTargets(this.#targets.all, plan.targets, pools));
    this.#listen();
  }

  /** Workers are told of it as of all that their targets are. */
  discovered(found: readonly FoundMembers[]): void {
    this.#members.tell(found);
    this.#flush();
  }

  /** What a worker knows that has just begun, or has applied another plan. */
  toldAll(worker: number): ToldTarget[] {
    return [...this.#records.keys()].map((id) => this.#told(id, worker, true));
  }

  tellAll(worker: number): void {
    const heard = this.#heard[worker] ?? 0;
    this.#workers.tell(worker, { kind: "health", heard, all: true, targets: this.toldAll(worker) });
  }

  /** It has no news of before. */
  began(worker: number): void {
    this.#heard[worker] = 0;
  }

  /** It takes connections from now on, and may get permits. */
  joined(): void {
    for (const id of this.#records.keys()) this.#dirty.add(id);
    this.#flush();
  }

  /** What it had under way has ended with it. */
  died(worker: number): void {
    for (const id of this.#records.keys()) {
      for (const part of this.#targets.toldParts(id)) {
        const record = this.#record(id, part);
        const { epoch } = part.health();
        const held = record?.permit?.worker === worker && record.permit.epoch === epoch;
        if (record === undefined || !(held || record.hadCallsOf(worker))) continue;
        const underWay = record.underWay(worker, 0);
        part.hear({ id, epoch: held ? epoch : -1, neutral: true, underWay: 0, ended: "cancelled" }, underWay);
        if (held) record.pass(this.#workers.ready());
      }
    }
    this.#flush();
  }

  hear(worker: number, { seq, version, targets }: WorkerNews): void {
    this.#heard[worker] = seq;
    for (const news of targets) this.#hearOne(worker, news, version === this.#version);
    this.#flush();
  }

  operate(id: string, override: OperatorOverride): boolean {
    const target = this.#targets.all.get(id);
    target?.operate(override);
    this.#flush();
    return target !== undefined;
  }

  get operatorStates(): readonly OperatorState[] {
    return Array.from(this.#targets.all).flatMap(([id, target]) => {
      const override = target.override();
      return override === undefined ? [] : [{ id, ...override }];
    });
  }

  /** Without what only those know that send. */
  get statuses(): readonly TargetStatus[] {
    return Array.from(this.#targets.all.values(), (target) => targetStatus(target, this.#env.clock));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearImmediate(this.#flushing);
    for (const { unlisten } of this.#records.values()) unlisten();
    this.#records.clear();
    await this.#targets[Symbol.asyncDispose]();
  }

  #listen(): void {
    const before = this.#records;
    this.#records = new Map();
    for (const [id, handle] of this.#targets.all) {
      const known = before.get(id);
      before.delete(id);
      if (known?.handle === handle) this.#records.set(id, known);
      else {
        known?.unlisten();
        this.#records.set(id, { handle, parts: new Map(), unlisten: handle.onChange(() => this.#changed(id)) });
        for (const part of this.#targets.toldParts(id)) this.#record(id, part);
      }
    }
    for (const { unlisten } of before.values()) unlisten();
  }

  #hearOne(worker: number, news: TargetNews, isCurrent: boolean): void {
    const { id, address, tenants, urgent } = news;
    const part = this.#targets.toldParts(id).find(({ plan }) => isOf(plan, news));
    const record = part && this.#record(id, part);
    if (part === undefined || record === undefined) return; // it is not there any more
    const { epoch } = part.health();
    const underWay = record.underWay(worker, news.underWay);
    const { ended } = news;
    // What was sent by another plan may have been for another target of this id.
    const old = { id, epoch: -1, underWay: news.underWay, ...(ended !== undefined && { ended }) };
    part.hear(isCurrent ? news : old, underWay);
    const isHolder = record.permit?.worker === worker && record.permit.epoch === news.epoch && news.epoch === epoch;
    if (isHolder && news.probe === "returned") record.pass(this.#workers.ready());
    record.last = worker;
    if (urgent === true) this.#answer(worker, id);
    if (tenants === undefined) return;
    part.hearTenants(tenants);
    const told = { id, ...(address !== undefined && { address }), tenants };
    for (const other of this.#workers.ready()) {
      if (other !== worker) this.#workers.tell(other, { kind: "tenants", told });
    }
  }

  #answer(worker: number, id: string): void {
    const asking = this.#asking.get(worker) ?? new Set<string>();
    this.#asking.set(worker, asking.add(id));
    this.#dirty.add(id);
  }

  #changed(id: string): void {
    this.#dirty.add(id);
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  /** Tells all workers of what is different. */
  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    const changed = dirty.filter((id) => this.#isChanged(id));
    const asking = new Map(this.#asking);
    this.#asking.clear();
    if (changed.length === 0 && asking.size === 0) return;
    for (const worker of this.#workers.ready()) {
      const ids = new Set([...changed, ...(asking.get(worker) ?? [])]);
      if (ids.size === 0) continue;
      const targets = Array.from(ids, (id) => this.#told(id, worker, false));
      this.#workers.tell(worker, { kind: "health", heard: this.#heard[worker] ?? 0, all: false, targets });
    }
  }

  #isChanged(id: string): boolean {
    const record = this.#records.get(id);
    if (record === undefined) return false;
    const parts = this.#targets.toldParts(id);
    const ready = this.#workers.ready();
    // New addresses have no record yet, and those of addresses that are gone are too many.
    let isChanged = parts.some(({ plan }) => !record.parts.has(partName(plan) ?? ""));
    if (record.parts.size > parts.length) isChanged = forgetOthers(record.parts, parts);
    for (const part of parts) if (this.#record(id, part)?.refresh(part, ready) === true) isChanged = true;
    return isChanged;
  }

  #record(id: string, part: ToldHandle): PartRecord | undefined {
    const parts = this.#records.get(id)?.parts;
    const address = partName(part.plan) ?? "";
    const known = parts?.get(address);
    if (known !== undefined || parts === undefined) return known;
    const record = new PartRecord();
    record.refresh(part, []);
    parts.set(address, record);
    return record;
  }

  #told(id: string, worker: number, all: boolean): ToldTarget {
    const parts = this.#targets.toldParts(id).map((part): ToldPart => {
      const { tenants, ...told } = part.told();
      const own = toldTo(worker, told, this.#record(id, part)?.permit);
      return all && tenants !== undefined ? { ...own, tenants } : own;
    });
    return { id, parts };
  }
}

/** What was told of a member where it was before says nothing of where it is now. */
function isOf(plan: TargetPlan, { address, place }: TargetNews): boolean {
  return partName(plan) === address && (place === undefined || placeIn(plan.url) === place);
}

function forgetOthers(records: Map<string, PartRecord>, parts: readonly ToldHandle[]): true {
  const present = new Set(parts.map(({ plan }) => partName(plan) ?? ""));
  for (const address of records.keys()) if (!present.has(address)) records.delete(address);
  return true;
}
