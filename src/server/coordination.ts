import type { CoordinationDocument } from "../config/schema/coordination.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { diagnose, type DoctorReport } from "../control/coordination/diagnose.ts";
import type { Patient } from "../control/coordination/doctor-finding.ts";
import { createSeatReader, type SeatReader } from "../control/coordination/seats.ts";
import {
  type RequestedTransfer,
  requestTransfer,
  type RequestTransferOptions,
  type TransferAsked,
} from "../control/region/request-transfer.ts";
import { openStore } from "../store/open-store.ts";
import type { RecipePlace } from "../store/recipes/place.ts";
import { UNOBSERVED } from "../store/store-metrics.ts";
import { openRestingStore } from "../store/resting-store.ts";
import type { Store, StoreObserver } from "../store/store.ts";
import { storeSettings } from "./store-settings.ts";

/** A store that a config names, open, and what commands do with it. */
export interface Coordination extends AsyncDisposable {
  readonly place: RecipePlace;
  readonly seats: SeatReader;
  /** Throws as the store does. */
  transfer(asked: TransferAsked, options: RequestTransferOptions): Promise<RequestedTransfer>;
  diagnose(remembered: Patient["remembered"], signal: AbortSignal): Promise<DoctorReport>;
}

export interface CoordinationEnv {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: nobody is told. */
  readonly observer?: StoreObserver;
  /** It is connected to only while it is used. */
  readonly rests?: boolean;
}

/** Asks nothing of a server yet. `dataDir`: where the embedded store is; undefined: in memory. */
export async function openCoordination(
  coordination: CoordinationDocument,
  dataDir: string | undefined,
  { clock, random, observer = UNOBSERVED, rests = false }: CoordinationEnv,
): Promise<Coordination> {
  const open = (): Promise<Store> => openStore(storeSettings(coordination, dataDir), { clock, random, observer });
  const store = await (rests ? openRestingStore({ open, clock }) : open());
  const place: RecipePlace = { store, prefix: coordination.prefix, clock, random, observer };
  const { username, token, endpoints } = coordination;
  const hasCredentials = username !== undefined || token !== undefined || coordination.tls?.cert !== undefined;
  const isLocal = endpoints.every(isLoopback);
  return {
    place,
    seats: createSeatReader(place),
    transfer: (asked, options) => requestTransfer(place, asked, options),
    diagnose: (remembered, signal) => diagnose({ ...place, remembered, hasCredentials, isLocal }, signal),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}
