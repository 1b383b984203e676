import { type KeyOwners, openKeyOwners, type OwnerView } from "../balance/key-owners.ts";
import type { TargetHandle } from "../export/target.ts";
import type { QueueLane } from "./queue-lane.ts";
import type { Held } from "./lane-port.ts";

const DOWN = 0;
/** Too many of its calls fail, but not all: used when less than half of the targets are up. */
const POOR = 1;
const UP = 2;
const PANIC_BELOW = 0.5;

/**
 * Whose a key is, in a pool that divides by key: channel i is lane i, and has one target. Knows which targets are up without
 * looking at all of them for each request: only those that changed, and those that are not plainly well, which time may change.
 */
export class LaneOwners implements OwnerView {
  #owners: KeyOwners = openKeyOwners([]);
  #lanes: readonly QueueLane[] = [];
  #indexOf = new Map<TargetHandle, number>();
  #grade = new Uint8Array(0);
  #upCount = 0;
  readonly #toLookAt = new Set<number>();
  #but: readonly TargetHandle[] | undefined;
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  /** No lanes: the pool does not divide by key. */
  configure(lanes: readonly QueueLane[]): void {
    this.#lanes = lanes;
    const plans = lanes.map((lane) => lane.targets[0]?.plan ?? NOBODY);
    this.#owners = openKeyOwners(plans.map(({ id, weight }) => ({ id, weight })));
    this.#indexOf = new Map(lanes.flatMap((lane, i) => lane.targets.map((target) => [target, i] as const)));
    this.#grade = new Uint8Array(lanes.length);
    this.#upCount = 0;
    this.#toLookAt.clear();
    for (let i = 0; i < lanes.length; i++) this.#toLookAt.add(i);
  }

  /** At least one target is up, as of the last look. */
  get anyUp(): boolean {
    return this.#upCount > 0;
  }

  touched(target: TargetHandle): void {
    const index = this.#indexOf.get(target);
    if (index !== undefined) this.#toLookAt.add(index);
  }

  look(): void {
    if (this.#toLookAt.size === 0) return;
    for (const index of this.#toLookAt) {
      const lane = this.#lanes[index]!;
      const grade = lane.targets.length > 0 ? gradeOf(lane) : DOWN;
      this.#upCount += (grade === UP ? 1 : 0) - (this.#grade[index] === UP ? 1 : 0);
      this.#grade[index] = grade;
      if (lane.anyUsable) this.#toLookAt.delete(index);
    }
  }

  /** The channel of an evenly distributed 32-bit hash; 0 when there are no targets. */
  ownerOf(hash: number, but?: readonly TargetHandle[]): number {
    this.#but = but;
    const index = this.#owners.ownerOf(hash, this);
    this.#but = undefined;
    return Math.max(0, index);
  }

  usable(index: number): boolean {
    const least = this.#upCount < PANIC_BELOW * this.#lanes.length ? POOR : UP;
    if (this.#grade[index]! < least) return false;
    return this.#but === undefined || !this.#but.includes(this.#lanes[index]!.targets[0]!);
  }

  saturated(index: number): boolean {
    return this.#lanes[index]!.isSaturated;
  }

  held(index: number): number {
    return this.#lanes[index]!.heldBytes;
  }

  get totalHeld(): number {
    return this.#held.bytes;
  }
}

function gradeOf(lane: QueueLane): number {
  if (lane.isUp) return UP;
  return lane.anyUsableInPanic ? POOR : DOWN;
}

const NOBODY = { id: "", weight: 1 };
