import type { Clock } from "../../src/core/clock.ts";
import { machineMs } from "../../src/core/clock.ts";
import type { Random } from "../../src/core/random.ts";
import { MemberFollower } from "../../src/control/fleet/member-follower.ts";
import type { Log } from "../../src/telemetry/log.ts";

interface GatewayWorld {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** All are on this machine. */
export const HOST = "bench";
export const GATEWAY_TAGS = { tier: "gateway" } as const;
const FIRST_PORT = 10_000;

/** No two of a region are in the same place. */
export function gatewayAddress(number: number): string {
  return `127.0.0.1:${FIRST_PORT + number}`;
}

/** Which gateways of its region a simulated collector knows of, as a target would have them. */
export class FoundGateways {
  readonly follower: MemberFollower;
  isLooking = false;
  count = 0;
  /** Since when it is so many, by the machine's time. */
  sinceMs = 0;
  /** Since it had found all of them; undefined: it has not. */
  fewest: number | undefined;
  readonly #region: string;
  readonly #all: number;

  constructor(world: GatewayWorld, { id, region, all }: { id: string; region: string; all: number }) {
    this.#region = region;
    this.#all = all;
    this.follower = new MemberFollower({
      ...world,
      id,
      ownAddresses: () => [],
      host: HOST,
      told: (found) =>
        this.#told(
          found.reduce((sum, { members }) => sum + members.length, 0),
          world.clock,
        ),
    });
  }

  refresh(): void {
    this.isLooking = true;
    this.follower.want([{ region: this.#region, tags: GATEWAY_TAGS, listener: "otlp_grpc", isSelf: false, node: "" }]);
  }

  #told(count: number, clock: Clock): void {
    if (count === this.count) return;
    this.count = count;
    this.sinceMs = machineMs(clock);
    if (this.fewest !== undefined || count === this.#all) this.fewest = Math.min(this.fewest ?? count, count);
  }
}
