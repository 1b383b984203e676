import { setImmediate as turn } from "node:timers/promises";
import { calm, type Heard, reportOf } from "../../fleet/calls.ts";
import { ManualClock } from "../manual-clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import type { ControllerCalls } from "../../../src/control/fleet/controller-calls.ts";
import { DirectiveBook } from "../../../src/control/fleet/directive-book.ts";
import { ControllerFollower, type FollowerOptions } from "../../../src/control/fleet/follower.ts";
import { createLocalLink } from "../../../src/control/fleet/local-link.ts";
import {
  type AwaitReply,
  type ControllerAddress,
  FLEET_PROTOCOL,
  type NotLeader,
} from "../../../src/control/fleet/messages.ts";

/** A collector that follows controllers, whose store and calls are the test's. */
export interface FollowerRig extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly follower: ControllerFollower;
  readonly heard: Heard[];
  readonly told: string[];
  readonly applied: string[];
  lookUps: number;
  /** Lets what is due happen, and then some time pass; some milliseconds at a time. */
  pass(ms: number): Promise<void>;
  calls(id: string): number;
}

export type HeldAnswer = (reply: AwaitReply | NotLeader) => void;

export interface FollowerRigOptions extends Partial<Pick<FollowerOptions, "facts" | "isNews" | "leader" | "lookUp">> {
  /** By the id of who is asked; without an entry nobody answers. */
  readonly controllers: Readonly<Record<string, Partial<ControllerCalls>>>;
  /** Held calls of Await, newest last. */
  readonly held?: HeldAnswer[];
}

export const C1 = addressOf("c1");

export function addressOf(id: string): ControllerAddress {
  return { id, address: `${id}:4321`, tls: false };
}

export function followerRig({ leader, lookUp, facts, isNews = () => false, ...rest }: FollowerRigOptions): FollowerRig {
  const clock = new ManualClock();
  const [heard, told, applied, asked]: [Heard[], string[], string[], string[]] = [[], [], [], []];
  const book = bookOf(clock, applied);
  const stage = { lookUps: 0 };
  const follower = new ControllerFollower({
    clock,
    random: seededRandom(3),
    log: createLog({ clock, write: () => undefined, level: "error", format: "json", colour: false }),
    identity: { id: "n1", region: "eu", incarnation: "i1" },
    openLink(controller) {
      asked.push(controller.id);
      return createLocalLink(controller, callsOf(controller, rest, heard, clock), clock);
    },
    lookUp(signal) {
      stage.lookUps++;
      return lookUp === undefined ? Promise.resolve([C1]) : lookUp(signal);
    },
    leader,
    book,
    facts: facts ?? (() => reportOf("n1")),
    isNews,
    observer: observing(told),
    reportIntervalMs: 5_000,
  });
  return Object.assign(stage, {
    clock,
    follower,
    heard,
    told,
    applied,
    calls: (id: string) => asked.filter((one) => one === id).length,
    pass: (ms: number) => pass(clock, ms),
    [Symbol.asyncDispose]: () => end(follower, book, clock),
  });
}

function bookOf(clock: ManualClock, applied: string[]): DirectiveBook {
  return new DirectiveBook({
    clock,
    memory: { seen: () => undefined, offer: async () => "newer" as const },
    apply: ({ scope, seq, body }) => void applied.push(`${scope} ${seq} ${body}`),
    expired: ({ scope, seq }) => void applied.push(`${scope} ${seq} is over`),
  });
}

function observing(told: string[]): FollowerOptions["observer"] {
  return {
    followed: ({ id }) => void told.push(`followed ${id}`),
    left: ({ id }) => void told.push(`left ${id}`),
    lost: (why) => void told.push(`lost ${why}`),
    reported: () => undefined,
    directive: (scope, verdict) => void told.push(`${scope} ${verdict}`),
    saidGoodbye: () => void told.push("goodbye"),
  };
}

/** A controller that is not among those of the test answers nothing. */
function callsOf(
  { id }: ControllerAddress,
  { controllers, held = [] }: Pick<FollowerRigOptions, "controllers" | "held">,
  heard: Heard[],
  clock: ManualClock,
): ControllerCalls {
  const its = controllers[id];
  const absent = (): Promise<never> => new Promise(() => undefined);
  if (its === undefined) return calm(heard, { report: absent, await: absent });
  return calm(heard, {
    await: (_request, { signal }) => {
      const { promise, resolve } = Promise.withResolvers<AwaitReply | NotLeader>();
      const nothing = (): void => resolve({ protocol: FLEET_PROTOCOL, directives: [] });
      held.push(resolve);
      clock.after(25_000, nothing);
      signal.addEventListener("abort", nothing, { once: true });
      return promise;
    },
    ...its,
  });
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left >= 0; left -= 250) {
    for (let i = 0; i < 8; i++) await turn();
    if (left > 0) clock.advance(Math.min(250, left));
  }
  for (let i = 0; i < 8; i++) await turn();
}

async function end(follower: ControllerFollower, book: DirectiveBook, clock: ManualClock): Promise<void> {
  const ended = follower[Symbol.asyncDispose]();
  for (let i = 0; i < 20; i++) {
    await turn();
    clock.advance(250);
  }
  await ended;
  book[Symbol.dispose]();
}

/** How many of the calls were Reports. */
export function reports(heard: readonly Heard[]): number {
  return heard.filter(({ method }) => method === "report").length;
}
