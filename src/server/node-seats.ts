import type { CoordinationDocument } from "../config/schema/coordination.ts";
import type { SeatReader } from "../control/coordination/seats.ts";
import { storeObserver } from "../store/store-metrics.ts";
import type { Env } from "../telemetry/env.ts";
import type { CallOptions } from "../store/store.ts";
import { type Coordination, openCoordination } from "./coordination.ts";

/** What a node tells of its store: it is opened when it is first asked for. */
interface NodeSeats extends SeatReader, AsyncDisposable {
  transfer: Coordination["transfer"];
}

/** Of a store that is open, and somebody else's to close. */
export function seatsOf(coordination: Coordination): NodeSeats {
  const { seats } = coordination;
  return {
    locks: (options) => seats.locks(options),
    leaders: (options) => seats.leaders(options),
    transfer: (asked, options) => coordination.transfer(asked, options),
    [Symbol.asyncDispose]: async () => {},
  };
}

export function openNodeSeats(
  coordination: CoordinationDocument,
  dataDir: string | undefined,
  { clock, random, metrics, log }: Env,
): NodeSeats {
  let opening: Promise<Coordination> | undefined;
  const open = async (): Promise<Coordination> => {
    const observer = storeObserver(metrics, log);
    opening ??= openCoordination(coordination, dataDir, { clock, random, observer });
    try {
      return await opening;
    } catch (cause) {
      opening = undefined; // a file may be mended meanwhile
      throw cause;
    }
  };
  return {
    locks: async (options: CallOptions) => (await open()).seats.locks(options),
    leaders: async (options: CallOptions) => (await open()).seats.leaders(options),
    transfer: async (asked, options) => (await open()).transfer(asked, options),
    async [Symbol.asyncDispose]() {
      const opened = await opening?.catch(() => undefined);
      await opened?.[Symbol.asyncDispose]();
    },
  };
}
