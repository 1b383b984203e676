import { type KeyOwners, openKeyOwners, type OwnerView } from "../balance/key-owners.ts";
import { openPartOwners } from "../balance/part-owners.ts";
import type { TargetHandle } from "../export/target-port.ts";
import type { LaneLoad } from "./key-load.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import { partName } from "../../plan/members.ts";
import type { QueueLane } from "./queue-lane.ts";
import type { Room } from "./room.ts";

/** It does not take the signal: counts as if it were not there. */
const AWAY = 0;
const DOWN = 1;
/** Too many of its calls fail, but not all: used when less than half of the targets are up. */
const POOR = 2;
const UP = 3;
const PANIC_BELOW = 0.5;

/**
 * Whose a key is, in a pool that divides by key: channel i is lane i, and has one target. Knows
 * which targets are up without looking at all of them for each request: only those that changed,
 * and those that are not plainly well, which time may change.
 */
export class LaneOwners implements OwnerView {
  #owners: KeyOwners = openKeyOwners([]);
  #lanes: readonly QueueLane[] = [];
  #indexOf = new Map<TargetHandle, number>();
  /** By signal, then by lane. */
  #grades: readonly Uint8Array[] = SIGNALS.map(() => new Uint8Array(0));
  readonly #upCounts = new Int32Array(SIGNALS.length);
  readonly #awayCounts = new Int32Array(SIGNALS.length);
  readonly #stale = new Set<number>();
  /** What is asked for. */
  #signal = 0;
  #but: readonly string[] | undefined;
  readonly #room: Pick<Room, "bytes">;
  /** What other processes have of these pools' lanes, as they told it last. */
  #others: readonly LaneLoad[] = [];
  #othersHeld = new Float64Array(0);
  #othersSaturated = new Uint8Array(0);
  #othersTotal = 0;

  constructor(room: Pick<Room, "bytes">) {
    this.#room = room;
  }

  /** No lanes: the pool does not divide by key. */
  configure(lanes: readonly QueueLane[]): void {
    this.#lanes = lanes;
    const plans = lanes.map((lane) => lane.targets[0]?.plan ?? NO_MEMBER);
    this.#owners = openPartOwners(plans.map((plan) => ({ id: plan.id, weight: plan.weight, part: partName(plan) })));
    this.#indexOf = new Map(lanes.flatMap((lane, i) => lane.targets.map((target) => [target, i] as const)));
    this.#grades = SIGNALS.map(() => new Uint8Array(lanes.length).fill(DOWN));
    this.#upCounts.fill(0);
    this.#awayCounts.fill(0);
    this.#stale.clear();
    for (let i = 0; i < lanes.length; i++) this.#stale.add(i);
    this.learn(this.#others);
  }

  /** What other processes of this node have: whose a key is is the same in all of them. */
  learn(others: readonly LaneLoad[]): void {
    this.#others = others;
    this.#othersHeld = new Float64Array(this.#lanes.length);
    this.#othersSaturated = new Uint8Array(this.#lanes.length);
    this.#othersTotal = 0;
    for (const { lane, bytes, saturated } of others) {
      this.#othersTotal += bytes;
      const index = this.#lanes.findIndex(({ key }) => key === lane);
      if (index < 0) continue;
      this.#othersHeld[index] = bytes;
      this.#othersSaturated[index] = saturated ? 1 : 0;
    }
  }

  /**
   * What this process has, for the others; undefined while nothing is saturated, here or there, and
   * so nobody asks.
   */
  load(): LaneLoad[] | undefined {
    const lanes = this.#lanes.map((lane) => {
      return { lane: lane.key, bytes: lane.heldBytes, saturated: lane.isSaturated() };
    });
    return lanes.some(({ saturated }) => saturated) || this.#othersSaturated.includes(1) ? lanes : undefined;
  }

  /** At least one target is up for this signal, as of the last refresh. */
  anyUp(signal: Signal): boolean {
    return this.#upCounts[SIGNAL_FACTS[signal].index]! > 0;
  }

  touched(target: TargetHandle): void {
    const index = this.#indexOf.get(target);
    if (index !== undefined) this.#stale.add(index);
  }

  refresh(): void {
    if (this.#stale.size === 0) return;
    for (const index of this.#stale) {
      const lane = this.#lanes[index]!;
      let plainlyWell = true;
      for (const signal of SIGNALS) {
        this.#note(index, SIGNAL_FACTS[signal].index, gradeOf(lane, signal));
        plainlyWell &&= lane.anyUsable(signal);
      }
      if (plainlyWell) this.#stale.delete(index);
    }
  }

  /** The channel of an evenly distributed 32-bit hash; 0 when there are no targets. */
  ownerOf(hash: number, signal: Signal, but?: readonly string[]): number {
    this.#signal = SIGNAL_FACTS[signal].index;
    this.#but = but;
    const index = this.#owners.ownerOf(hash, this);
    this.#but = undefined;
    return Math.max(0, index);
  }

  /** The same as `usable`, outside of `ownerOf`. */
  usableFor(index: number, signal: Signal): boolean {
    this.#signal = SIGNAL_FACTS[signal].index;
    return this.usable(index);
  }

  usable(index: number): boolean {
    const counted = this.#lanes.length - this.#awayCounts[this.#signal]!;
    const least = this.#upCounts[this.#signal]! < PANIC_BELOW * counted ? POOR : UP;
    if (this.#grades[this.#signal]![index]! < least) return false;
    return this.#but === undefined || !this.#but.includes(this.#lanes[index]!.targets[0]!.key);
  }

  saturated(index: number): boolean {
    return this.#othersSaturated[index] === 1 || this.#lanes[index]!.isSaturated();
  }

  held(index: number): number {
    return this.#lanes[index]!.heldBytes + this.#othersHeld[index]!;
  }

  get totalHeld(): number {
    return this.#room.bytes + this.#othersTotal;
  }

  #note(index: number, signal: number, grade: number): void {
    const grades = this.#grades[signal]!;
    this.#upCounts[signal]! += (grade === UP ? 1 : 0) - (grades[index] === UP ? 1 : 0);
    this.#awayCounts[signal]! += (grade === AWAY ? 1 : 0) - (grades[index] === AWAY ? 1 : 0);
    grades[index] = grade;
  }
}

function gradeOf(lane: QueueLane, signal: Signal): number {
  const [target] = lane.targets;
  if (target === undefined) return DOWN;
  if ((target.refused() & SIGNAL_FACTS[signal].bit) !== 0 && !target.wantsProbe(signal)) return AWAY;
  if (lane.isUp(signal)) return UP;
  return lane.anyUsableInPanic(signal) ? POOR : DOWN;
}

const NO_MEMBER = { id: "", weight: 1, address: undefined };
