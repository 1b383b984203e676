import type { Socket } from "node:net";
import { eachListener, LISTENER_KINDS, type ListenerKind } from "../../core/listener-kinds.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { type WorkerStatus } from "../../plan/data-plane.ts";
import type { WorkerLink } from "./worker-link.ts";

/** A connection that a worker was given, and may not have. The socket is this process's, too. */
export interface Unconfirmed {
  readonly listener: ListenerKind;
  readonly socket: Socket;
}

/** A rate is over so long at least: what is asked for in between tells too little of it. */
const RATE_MS = 500;

/** The place of one worker: its process, and the one after it when that ends. */
export class WorkerSlot {
  /** From 0. */
  readonly index: number;
  link: WorkerLink | undefined;
  /** It has all that it needs, and takes connections. */
  isReady = false;
  /** One of its processes was ready. */
  hasRun = false;
  readonly connections: Record<ListenerKind, number> = eachListener(() => 0);
  readonly unconfirmed = new Map<number, Unconfirmed>();
  /** What the process has counted, as far as it told. */
  last: Snapshot | undefined;
  /** The same in sums. */
  summary: Snapshot | undefined;
  restarts = 0;
  /** Ends in a row that came too soon. */
  failures = 0;
  startedMs = 0;
  #received = 0;
  /** When `last` was told, or the process begun. */
  #toldMs = 0;
  #reportedMs = 0;
  #perSecond = 0;

  constructor(index: number) {
    this.index = index;
  }

  get load(): number {
    return LISTENER_KINDS.reduce((sum, listener) => sum + this.connections[listener], 0);
  }

  get itemsPerSecond(): number {
    return this.#perSecond;
  }

  get status(): WorkerStatus {
    return {
      id: this.index + 1,
      pid: this.link?.pid,
      ready: this.isReady,
      connections: this.load,
      itemsPerSecond: Math.round(this.#perSecond),
      restarts: this.restarts,
    };
  }

  reported(snapshot: Snapshot, nowMs: number): void {
    this.last = snapshot;
    this.#toldMs = nowMs;
    const tookMs = nowMs - this.#reportedMs;
    if (tookMs < RATE_MS) return;
    const received = snapshot.ledger.reduce((sum, row) => sum + row.received, 0);
    this.#perSecond = (Math.max(0, received - this.#received) * 1_000) / tookMs;
    this.#received = received;
    this.#reportedMs = nowMs;
  }

  /** The process of this link is there from now on, and has nothing. */
  begin(link: WorkerLink, nowMs: number): void {
    this.link = link;
    this.startedMs = nowMs;
    this.#received = 0;
    this.#toldMs = this.#reportedMs = nowMs;
  }

  /** For how long nothing was told of what the process counts. */
  untoldMs(nowMs: number): number {
    return nowMs - this.#toldMs;
  }

  /** There is none. What it was given and may not have had is given back. */
  end(): Unconfirmed[] {
    const back = [...this.unconfirmed.values()];
    this.unconfirmed.clear();
    this.link = undefined;
    this.isReady = false;
    this.last = this.summary = undefined;
    this.#perSecond = 0;
    for (const listener of LISTENER_KINDS) this.connections[listener] = 0;
    return back;
  }
}
