import type { Case } from "../case.ts";
import { marked } from "../load-run.ts";
import { pause } from "../pause.ts";
import { openRig } from "../rig.ts";
import type { Rig, RigLoad, Window } from "../rig.ts";
import { SIGNALBOX } from "../system.ts";
import { caseNamed } from "../cases.ts";
import { shareCores, startsOf } from "./series.ts";
import type { Cores } from "./series.ts";
import { backAfterMs, rateBetween } from "./statistics.ts";
import type { Sample } from "./statistics.ts";

/** Three times what the router carries, then targets that stand still with everything waiting. */
export interface RecoveryResult {
  readonly kind: "recovery";
  readonly system: string;
  readonly rounds: readonly Recovery[];
  readonly allThere: boolean;
  readonly cores: Cores | undefined;
}

export interface Recovery {
  /** A closed loop with 64 calls under way. */
  readonly best: Window;
  /** Three times as many requests as that. */
  readonly triple: Window;
  /** When a second began in which 95 % of the best were acknowledged. */
  readonly backAfterMs: number | undefined;
  /** Spans a second in the first two seconds after the pause, and in the two after those. */
  readonly firstItemsPerSecond: number;
  readonly thenItemsPerSecond: number;
  /** Of the triple load, from the end of the pause on. */
  readonly samples: readonly Sample[];
}

export const BACK_SHARE = 0.95;
const PAUSE_MS = 2_000;
const PIECE_MS = 100;
/**
 * The router looks into each span here. Where it does not, a generator of three times the load and
 * the sinks, on one core, have less to spare than the router, and the measure would be theirs.
 */
const LOOKED_INTO: Case = caseNamed("rule-span");
/** 8,192 calls under way, 340 MB of requests, as far as the router's limits let them. */
const TRIPLE: Case = { ...LOOKED_INTO, connections: 8, streams: 1_024 };

export async function measureRecovery(windows: number, short: boolean): Promise<RecoveryResult> {
  const cores = shareCores();
  const { starts, turns } = startsOf(windows);
  const rounds: Recovery[] = [];
  let allThere = true;
  for (let start = 0; start < starts; start++) {
    await using rig = await openRig(LOOKED_INTO, SIGNALBOX);
    rig.pin(cores);
    const usual = await rig.load(LOOKED_INTO);
    const triple = await rig.load(TRIPLE);
    for (let turn = 0; turn < turns; turn++) {
      rounds.push(await recover(rig, usual, triple, short));
      process.stderr.write(`  back after ${rounds.at(-1)?.backAfterMs?.toFixed(0) ?? "-"} ms\n`);
    }
    allThere &&= (await rig.check()).ok;
  }
  return { kind: "recovery", system: SIGNALBOX.name, rounds, allThere, cores };
}

async function recover(rig: Rig, usual: RigLoad, triple: RigLoad, short: boolean): Promise<Recovery> {
  const timing = short ? { warmUpMs: 1_000, windowMs: 2_000 } : { warmUpMs: 2_000, windowMs: 5_000 };
  const best = await usual.window(timing);
  const rate = Math.round(3 * best.requestsPerSecond);
  const overloaded = await triple.window(timing, rate);
  await triple.process.ask({ kind: "start", requestsPerSecond: rate });
  await pause(timing.warmUpMs);
  process.kill(rig.sink.pid, "SIGSTOP");
  try {
    await pause(PAUSE_MS);
  } finally {
    process.kill(rig.sink.pid, "SIGCONT");
  }
  const samples = await samplesOf(triple, short ? 5_000 : 8_000);
  await triple.process.ask({ kind: "rest" });
  return {
    best,
    triple: overloaded,
    backAfterMs: backAfterMs(samples, best.itemsPerSecond, BACK_SHARE),
    firstItemsPerSecond: rateBetween(samples, 0, 2_000),
    thenItemsPerSecond: rateBetween(samples, 2_000, 4_000),
    samples,
  };
}

async function samplesOf({ process: load }: RigLoad, lastMs: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  await marked(load);
  for (let atMs = 0; atMs < lastMs; ) {
    await pause(PIECE_MS);
    const { durationMs, ackedItems } = await marked(load);
    atMs += durationMs;
    samples.push({ atMs, durationMs, items: ackedItems });
  }
  return samples;
}
