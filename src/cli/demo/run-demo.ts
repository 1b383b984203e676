import { sleep } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Io } from "../command.ts";
import { PRIMARY, STANDARD_ADDRESSES, STANDBY } from "./cast.ts";
import { openDisplay } from "./display.ts";
import { DemoEvents } from "./events.ts";
import { Observer } from "./observer.ts";
import type { LedgerTotals } from "./render.ts";
import { openScene, type Scene } from "./scene.ts";
import { captionOf, LONGEST_MS, openingOf, planStory, type StoryStep, stepStory } from "./story.ts";
import { type DemoTarget, duplicates } from "./target.ts";

/** How often the demo looks at what happens. */
const TICK_MS = 100;
/** What the load waits for its last answers. */
const ANSWERS_MS = 12_000;
/** The same when somebody pressed Ctrl-C. */
const HASTY_ANSWERS_MS = 1_000;

/** Runs the whole demo and tells how it ended. Infinity: until it is interrupted. */
export async function runDemo(durationMs: number, io: Io): Promise<DemoResult> {
  const interrupted = io.interrupted();
  const startMs = io.clock.nowMs();
  const elapsedMs = (): number => io.clock.nowMs() - startMs;
  const events = new DemoEvents(elapsedMs);
  await using scene = await openScene(io, events);
  tellPorts(scene, events);
  const primary = targetOf(scene, PRIMARY);
  const observer = new Observer(scene, events, io.clock);
  const plan = planStory(durationMs);
  let story = openingOf(plan);
  using display = openDisplay(io, events);
  scene.load.start();
  while (!interrupted.aborted && story.phase !== "over" && elapsedMs() <= LONGEST_MS) {
    await observer.look();
    const facts = { elapsedMs: elapsedMs(), paymentsOn: observer.paymentsOn, primaryRuns: primary.running };
    const step = stepStory(story, facts, plan);
    story = step.story;
    await perform(step.action, primary, events);
    const caption = captionOf(story, elapsedMs(), plan);
    display.show(() => observer.view({ addresses: scene.addresses, elapsedMs: elapsedMs(), durationMs, caption }));
    await sleep(io.clock, TICK_MS, interrupted).catch(ignore);
  }
  const tookMs = elapsedMs();
  if (interrupted.aborted) display[Symbol.dispose](); // the terminal is given back first
  const drained = await end(scene, events, interrupted.aborted ? HASTY_ANSWERS_MS : ANSWERS_MS);
  return resultOf(scene, observer.ledger, tookMs, drained);
}

async function perform(action: StoryStep["action"], primary: DemoTarget, events: DemoEvents): Promise<void> {
  if (action === "stop_primary") {
    await primary.stop();
    events.add("bad", `${PRIMARY} stopped: its connections are cut, its port is closed`);
  }
  if (action !== "start_primary") return;
  try {
    await primary.start();
    events.add("good", `${PRIMARY} started again`);
  } catch (cause) {
    // Somebody took its port meanwhile. The story asks for it again.
    events.add("bad", `${PRIMARY} cannot start: ${reasonOf(cause)}`);
  }
}

/**
 * Ends the load, and lets the router drain. False: it held something back when its time was over.
 */
async function end({ load, node }: Scene, events: DemoEvents, answersMs: number): Promise<boolean> {
  await load.stop(answersMs);
  events.add("plain", "the load has ended, and all its requests are answered");
  const { drained } = await node.stop();
  events.add("plain", "the router has drained its queues and stopped");
  return drained;
}

/** How the demo ended. All numbers are spans, data points and log records. */
export type DemoResult = ReturnType<typeof resultOf>;

function resultOf(scene: Scene, ledger: LedgerTotals, elapsedMs: number, drained: boolean) {
  return {
    elapsedMs,
    load: scene.load.counts,
    targets: scene.targets.map(({ facts, arrivals }) => ({ ...facts, items: arrivals.items })),
    /** Payments that the standby took. */
    failedOver: targetOf(scene, STANDBY).arrivals.by("payments"),
    duplicates: duplicates(scene.tallies),
    ledger,
    /** False: the router held something back when its time was over. */
    drained,
  };
}

function targetOf({ targets }: Scene, id: string): DemoTarget {
  const found = targets.find(({ facts }) => facts.id === id);
  if (found === undefined) throw new TypeError(`there is no target ${id}`);
  return found;
}

function tellPorts({ addresses }: Scene, events: DemoEvents): void {
  for (const name of ["grpc", "http", "admin"] as const) {
    if (addresses[name] === STANDARD_ADDRESSES[name]) continue;
    events.add("plain", `${STANDARD_ADDRESSES[name]} is in use: ${name} listens on ${addresses[name]} instead`);
  }
}

/** An interrupted wait is a wait that ended. */
function ignore(): void {}
