import { join } from "node:path";
import { machineMs, systemClock } from "../../src/core/clock.ts";
import type { StoreKind, StoreSettings } from "../../src/store/store.ts";
import { absenceOf, findProgram } from "../../test/set-up/programs.ts";
import { ConsulServer } from "../../test/support/consul-server.ts";
import { EtcdServer } from "../../test/support/etcd-server.ts";
import { openTalker } from "../child.ts";
import type { Talker } from "../child.ts";
import { openFolder } from "../folder.ts";
import { pause } from "../pause.ts";
import type { StoreClientReport, StoreClientRequest, StoreLag, StoreRates } from "../stores/messages.ts";
import { reasonOf } from "../results.ts";
import { SIGNALBOX } from "../system.ts";
import { median } from "./statistics.ts";

/** What each coordination store that is there can do, as a client of Signalbox's own sees it. */
export interface StoresResult {
  readonly kind: "stores";
  readonly system: string;
  readonly watches: number;
  readonly stores: readonly StoreFigures[];
  /** Stores that are not there, and figures that could not be had: why. */
  readonly notes: readonly string[];
}

export interface StoreFigures {
  readonly store: StoreKind;
  readonly version: string;
  readonly rates: readonly StoreRates[];
  readonly lag: StoreLag | undefined;
  readonly bytesPerWatch: number | undefined;
  /** From a release to the next one's having it. */
  readonly handOverMs: number | undefined;
  /** From the holder's death. */
  readonly takeOverMs: number | undefined;
}

export const IN_FLIGHT = [1, 32] as const;

interface Amounts {
  readonly windowMs: number;
  readonly writes: number;
  readonly watches: number;
  readonly handOvers: number;
  readonly kills: number;
}

const FULL: Amounts = { windowMs: 2_000, writes: 300, watches: 1_000, handOvers: 10, kills: 3 };
const SHORT: Amounts = { windowMs: 500, writes: 30, watches: 200, handOvers: 2, kills: 1 };
const LAG_WITHIN_MS = 12_000;
/** Until who waits for a lock is in the queue. */
const QUEUE_MS = 1_000;

export async function measureStores(short: boolean): Promise<StoresResult> {
  const amounts = short ? SHORT : FULL;
  const stores: StoreFigures[] = [];
  const notes: string[] = [];
  for (const kind of ["embedded", "etcd", "consul"] as const) {
    if (kind !== "embedded" && findProgram(kind) === undefined) {
      notes.push(absenceOf(kind));
      continue;
    }
    await using server = await openServer(kind);
    stores.push(await measureStore(kind, server.settings, amounts, notes));
  }
  return { kind: "stores", system: SIGNALBOX.name, watches: amounts.watches, stores, notes };
}

interface RunningStore extends AsyncDisposable {
  readonly settings: StoreSettings;
}

async function openServer(kind: StoreKind): Promise<RunningStore> {
  switch (kind) {
    case "embedded": {
      const folder = openFolder();
      const dispose = (): Promise<void> => Promise.resolve(folder[Symbol.dispose]());
      return { settings: { kind, file: join(folder.path, "store.sqlite") }, [Symbol.asyncDispose]: dispose };
    }
    case "etcd": {
      const server = await EtcdServer.open({ isOnDisk: true });
      const settings: StoreSettings = { kind, endpoints: server.endpoints, compact: false };
      return { settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    }
    case "consul": {
      const server = await ConsulServer.open({ isOnDisk: true });
      return { settings: server.settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
    }
    default:
      return kind satisfies never;
  }
}

type StoreClient = Talker<StoreClientRequest, StoreClientReport>;

async function measureStore(
  store: StoreKind,
  settings: StoreSettings,
  { windowMs, writes, watches, handOvers, kills }: Amounts,
  notes: string[],
): Promise<StoreFigures> {
  await using client = await openClient(settings);
  let isLate = false; // what it says next is an answer to what nobody waits for any more
  const ask = async (request: StoreClientRequest): Promise<StoreClientReport | undefined> => {
    if (isLate) return undefined;
    process.stderr.write(`  ${store}: ${request.kind}\n`);
    const report = await client.ask(request).catch((cause: unknown): StoreClientReport => {
      isLate = true;
      return { kind: "failed", reason: reasonOf(cause) };
    });
    if (report.kind !== "failed") return report;
    notes.push(`${store}, ${request.kind}: ${report.reason}`);
    return undefined;
  };
  const rates: StoreRates[] = [];
  for (const inFlight of IN_FLIGHT) {
    const report = await ask({ kind: "rates", inFlight, windowMs });
    if (report?.kind === "rates") rates.push(report.rates);
  }
  const lag = await ask({ kind: "lag", writes, withinMs: LAG_WITHIN_MS });
  const watched = await ask({ kind: "watches", count: watches });
  const handed = await ask({ kind: "handOver", rounds: handOvers });
  return {
    store,
    version: client.hello.kind === "ready" ? client.hello.version : "",
    rates,
    lag: lag?.kind === "lag" ? lag.lag : undefined,
    bytesPerWatch: watched?.kind === "watches" ? watched.bytesEach : undefined,
    handOverMs: handed?.kind === "handOver" ? handed.ms : undefined,
    takeOverMs: await takeOver(settings, kills),
  };
}

/** Of several locks at once, since nearly all of it is waiting for the end of a lease. */
async function takeOver(settings: StoreSettings, kills: number): Promise<number> {
  return median(await Promise.all(Array.from({ length: kills }, (_, lock) => takeOne(settings, lock))));
}

/** The holder's process is killed, and another one waits. */
async function takeOne(settings: StoreSettings, lock: number): Promise<number> {
  await using holder = await openClient(settings);
  await using successor = await openClient(settings);
  await holder.ask({ kind: "take", lock });
  const taken = successor.ask({ kind: "take", lock });
  await pause(QUEUE_MS);
  const killedMs = machineMs(systemClock);
  process.kill(holder.pid, "SIGKILL");
  const report = await taken;
  if (report.kind !== "taken") throw new Error("a lock was not taken over");
  return report.atMs - killedMs;
}

function openClient(settings: StoreSettings): Promise<StoreClient> {
  return openTalker<StoreClientRequest, StoreClientReport>("stores/client.ts", { settings });
}
