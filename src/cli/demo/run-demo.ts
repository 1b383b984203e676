import { sleep } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import { Unreachable } from "../../core/unreachable.ts";
import type { Io } from "../command.ts";
import { PAYMENTS, PRIMARY, ruleOf, SENDERS, STANDBY } from "./cast.ts";
import { STANDARD_ADDRESSES } from "./demo-config.ts";
import type { DemoTarget } from "./demo-target.ts";
import { type Display, openDisplay } from "./display.ts";
import { Events } from "./events.ts";
import { ledgerTotals } from "./ledger-totals.ts";
import { Observer } from "./observer.ts";
import { openScene, type Scene } from "./scene.ts";
import {
  captionOf,
  LONGEST_MS,
  openingOf,
  planStory,
  type Story,
  type StoryAction,
  type StoryPlan,
  stepStory,
} from "./story.ts";
import type { DemoResult } from "./summary.ts";
import { duplicates } from "./tallies.ts";

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
  const events = new Events(elapsedMs);
  await using scene = await openScene(io, events);
  reportPorts(scene, events);
  const demo = new Demo(scene, { io, events, elapsedMs, plan: planStory(durationMs) });
  using display = openDisplay(io, events);
  scene.load.start(SENDERS);
  while (!interrupted.aborted && !demo.over) {
    await demo.tick(display);
    await sleep(io.clock, TICK_MS, interrupted).catch(ignore);
  }
  return await demo.end(display, interrupted.aborted);
}

interface DemoParts {
  readonly io: Io;
  readonly events: Events;
  readonly elapsedMs: () => number;
  readonly plan: StoryPlan;
}

class Demo {
  readonly #scene: Scene;
  readonly #parts: DemoParts;
  readonly #observer: Observer;
  readonly #primary: DemoTarget;
  #story: Story;

  constructor(scene: Scene, parts: DemoParts) {
    const primary = scene.targets.find(({ facts }) => facts.id === PRIMARY);
    if (primary === undefined) throw new TypeError(`there is no target ${PRIMARY}`);
    this.#scene = scene;
    this.#parts = parts;
    this.#primary = primary;
    this.#story = openingOf(parts.plan);
    this.#observer = new Observer({ ...scene, clock: parts.io.clock, events: parts.events });
  }

  get over(): boolean {
    return this.#story.phase === "over" || this.#parts.elapsedMs() > LONGEST_MS;
  }

  async tick(display: Display): Promise<void> {
    await this.#observer.look();
    const facts = {
      elapsedMs: this.#parts.elapsedMs(),
      paymentsOn: this.#observer.paymentsOn,
      primaryRuns: this.#primary.running,
    };
    const { story, action } = stepStory(this.#story, facts, this.#parts.plan);
    this.#story = story;
    if (action !== undefined) await this.#perform(action);
    this.#show(display);
  }

  /** Ends the load, lets the router drain, and counts. A hurry shortens what there is to wait for. */
  async end(display: Display, hurry: boolean): Promise<DemoResult> {
    const { events, elapsedMs } = this.#parts;
    this.#story = { phase: "over" };
    if (hurry) display[Symbol.dispose](); // the terminal is given back first
    const tookMs = elapsedMs();
    await this.#scene.load.stop(hurry ? HASTY_ANSWERS_MS : ANSWERS_MS);
    events.add("plain", "the load has ended, and all its requests are answered");
    const { drained } = await this.#scene.node.stop();
    events.add("plain", "the router has drained its queues and stopped");
    return this.#result(tookMs, drained);
  }

  async #perform(action: StoryAction): Promise<void> {
    const { events } = this.#parts;
    switch (action) {
      case "stop_primary":
        await this.#primary.stop();
        return events.add("bad", `${PRIMARY} stopped: its connections are cut, its port is closed`);
      case "start_primary":
        return await this.#startPrimary();
      case "end":
        return;
      default:
        throw new Unreachable(action);
    }
  }

  async #startPrimary(): Promise<void> {
    const { events } = this.#parts;
    try {
      await this.#primary.start();
      events.add("good", `${PRIMARY} started again`);
    } catch (cause) {
      // Somebody took its port meanwhile. The story asks for it again.
      events.add("bad", `${PRIMARY} cannot start: ${reasonOf(cause)}`);
    }
  }

  #show(display: Display): void {
    const { elapsedMs, plan } = this.#parts;
    const now = elapsedMs();
    const caption = captionOf(this.#story, now, plan);
    display.show(() => this.#observer.view({ elapsedMs: now, durationMs: plan.durationMs, caption }));
  }

  #result(elapsedMs: number, drained: boolean): DemoResult {
    const { load, tallies, targets, node } = this.#scene;
    return {
      elapsedMs,
      load: load.counts,
      targets: targets.map(({ facts, arrivals }) => ({
        id: facts.id,
        protocol: facts.protocol,
        items: arrivals.items,
      })),
      failedOver: paymentsAt(targets),
      duplicates: duplicates(tallies),
      ledger: ledgerTotals(node.env.ledger),
      drained,
    };
  }
}

function paymentsAt(targets: readonly DemoTarget[]): number {
  let items = 0;
  for (const { facts, arrivals } of targets) {
    if (facts.id !== STANDBY) continue;
    arrivals.visit((service, signal, count) => {
      if (ruleOf(facts.id, signal, service) === PAYMENTS) items += count;
    });
  }
  return items;
}

function reportPorts({ addresses }: Scene, events: Events): void {
  for (const name of ["grpc", "http", "admin"] as const) {
    if (addresses[name] !== STANDARD_ADDRESSES[name]) {
      events.add("plain", `${STANDARD_ADDRESSES[name]} is in use: ${name} listens on ${addresses[name]} instead`);
    }
  }
}

/** An interrupted wait is a wait that ended. */
function ignore(): void {}
