import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { calm, reportOf } from "../../../test/fleet/calls.ts";
import { recordedLog } from "../../../test/support/fleet/quiet-log.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import type { ControllerCalls } from "./controller-calls.ts";
import { DirectiveBook } from "./directive-book.ts";
import { ControllerFollower, type FollowerOptions } from "./follower.ts";
import { createLocalLink } from "./local-link.ts";
import { type ControllerAddress, FLEET_PROTOCOL } from "./messages.ts";

const C1: ControllerAddress = { id: "c1", address: "c1:4321", tls: false };

interface Search extends AsyncDisposable {
  readonly follower: ControllerFollower;
  readonly told: string[];
  /** How often c1 was asked. */
  asked: number;
  pass(ms: number): Promise<void>;
}

/** A node that looks for its controller, which is c1. */
function search(report: ControllerCalls["report"], more: Pick<FollowerOptions, "leader" | "lookUp">): Search {
  const clock = new ManualClock();
  const told: string[] = [];
  const stage = { asked: 0 };
  const ignore = (): undefined => undefined;
  const memory = { seen: ignore, offer: async () => "newer" as const };
  const book = new DirectiveBook({ clock, memory, apply: ignore, expired: ignore });
  const follower = new ControllerFollower({
    ...more,
    clock,
    random: seededRandom(3),
    log: recordedLog(clock),
    identity: { id: "n1", region: "eu", incarnation: "i1" },
    openLink(controller) {
      stage.asked++;
      return createLocalLink(controller, calm([], { report, await: () => new Promise(() => undefined) }), clock);
    },
    book,
    facts: () => reportOf("n1"),
    isNews: () => false,
    observer: {
      followed: ignore,
      left: ignore,
      lost: (why) => void told.push(why),
      reported: ignore,
      directive: ignore,
      saidGoodbye: ignore,
    },
    reportIntervalMs: 5_000,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 250) {
      for (let i = 0; i < 8; i++) await turn();
      clock.advance(250);
    }
    for (let i = 0; i < 8; i++) await turn();
  };
  return Object.assign(stage, {
    follower,
    told,
    pass,
    async [Symbol.asyncDispose]() {
      const ended = follower[Symbol.asyncDispose]();
      await pass(5_000);
      await ended;
      book[Symbol.dispose]();
    },
  });
}

test("a follower: who sees the election waits for no store that keeps quiet, or fails again and again", async () => {
  const quiet = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("it was ended"))));
  const fails = async (): Promise<never> => Promise.reject(new Error("connection refused"));
  for (const lookUp of [quiet, fails]) {
    let leader: ControllerAddress | undefined;
    await using stage = search(calm([]).report, { lookUp, leader: () => leader });
    await stage.pass(100_000);
    assert.notEqual(stage.follower.status.state, "following");
    leader = C1;
    await stage.pass(1_000);
    assert.equal(stage.follower.status.state, "following");
  }
});

test("a follower: one refusal after long waiting for a leader is no reason to stay away for long", async () => {
  let answer: ControllerCalls["report"] = async () => ({ protocol: FLEET_PROTOCOL, not_leader: true });
  await using stage = search((...call) => answer(...call), { lookUp: async () => [C1] });
  await stage.pass(25_000);
  assert.ok(stage.asked > 6);
  answer = async () => {
    answer = calm([]).report;
    return Promise.reject(new Error("it is not ready"));
  };
  await stage.pass(5_000); // the next try, and the one after it
  assert.ok(stage.told.includes("refused"));
  assert.equal(stage.follower.status.state, "following");
});
