import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { LimitsData } from "../../plan/limits/limits-plan.ts";
import type { CallOutcome, ControllerLink } from "../fleet/controller-link.ts";
import { type ControllerAddress, FLEET_PROTOCOL } from "../fleet/messages.ts";
import { LeaderAsker } from "./ask-leader.ts";
import { RegionLimits } from "./region-limits.ts";

const LIMITS: LimitsData = {
  total: { perSecond: 100, burst: 100 },
  key: { from: "service" },
  keys: [],
  mixed: "refuse",
};
const GRANT = { total: { epoch: "1.1", lease: undefined, safe: undefined }, keys: [] };
const ASK = { total: { to: undefined, wanted: 1, weight: 1, lease: undefined, safe: undefined }, keys: [] };

/** LeaderLinks to leaders that answer at once. */
class LeaderLinks {
  readonly events: string[] = [];
  leader: ControllerAddress | undefined = { id: "c1", address: "127.0.0.1:1", tls: false };

  readonly asker = new LeaderAsker({
    id: "c9",
    region: "west",
    leader: () => this.leader,
    openLink: (to) => this.#open(to),
  });

  #open(controller: ControllerAddress): ControllerLink {
    const { id } = controller;
    this.events.push(`open ${id}`);
    const reply = { protocol: FLEET_PROTOCOL, grant: GRANT };
    return {
      controller,
      call: async () => {
        this.events.push(`ask ${id}`);
        return { kind: "reply", reply, sent: { machineMs: 0, wallMs: 0 } } as unknown as CallOutcome<never>;
      },
      [Symbol.asyncDispose]: async () => void this.events.push(`close ${id}`),
    };
  }
}

test("limits of a region: whoever leads is asked by one way, which is closed when another one leads", async () => {
  const links = new LeaderLinks();
  const { signal } = new AbortController();
  assert.deepEqual(await links.asker.ask(ASK, signal), GRANT);
  await links.asker.ask(ASK, signal);
  links.leader = { id: "c2", address: "127.0.0.1:2", tls: false };
  await links.asker.ask(ASK, signal);
  links.leader = undefined;
  assert.equal(await links.asker.ask(ASK, signal), undefined);
  assert.deepEqual(links.events, ["open c1", "ask c1", "ask c1", "close c1", "open c2", "ask c2", "close c2"]);
});

test("limits of a region: the way to the leader is closed with them, also between two calls", async () => {
  const links = new LeaderLinks();
  const clock = new ManualClock();
  const epoch = { generation: 1, revision: 1n };
  const limits = new RegionLimits({ clock, limits: () => LIMITS, leader: links.asker, epoch, sinceMs: clock.nowMs() });
  // One is answered by then, and the next one not due.
  await new Promise(setImmediate);
  await limits[Symbol.asyncDispose]();
  assert.deepEqual(links.events, ["open c1", "ask c1", "close c1"]);
});

test("limits of a region: while it has less than is wanted it asks more often, but not for long", async () => {
  const links = new LeaderLinks();
  const clock = new ManualClock();
  const epoch = { generation: 1, revision: 1n };
  const limits = new RegionLimits({ clock, limits: () => LIMITS, leader: links.asker, epoch, sinceMs: clock.nowMs() });
  const asksIn = async (seconds: number, wanted: number): Promise<number> => {
    const before = links.events.length;
    for (let passed = 0; passed < seconds; passed += 0.1) {
      limits.report("n1", { total: { ...ASK.total, wanted }, keys: [] });
      clock.advance(100);
      await new Promise(setImmediate);
    }
    return links.events.length - before;
  };
  await asksIn(2, 0);
  assert.equal(await asksIn(6, 0), 6);
  assert.ok((await asksIn(6, 50)) >= 18);
  await asksIn(10, 50);
  assert.equal(await asksIn(6, 50), 6, "nobody gives it any");
  await limits[Symbol.asyncDispose]();
});

test("limits of a region: where nothing is limited it is looked once a second whether something is", async () => {
  const links = new LeaderLinks();
  let waits = 0;
  const clock = new (class extends ManualClock {
    override after(delayMs: number, run: () => void): () => void {
      waits++;
      return super.after(delayMs, run);
    }
  })();
  const epoch = { generation: 1, revision: 1n };
  const none = (): undefined => undefined;
  const limits = new RegionLimits({ clock, limits: none, leader: links.asker, epoch, sinceMs: clock.nowMs() });
  for (let passed = 0; passed < 10; passed += 0.1) {
    clock.advance(100);
    await new Promise(setImmediate);
  }
  await limits[Symbol.asyncDispose]();
  assert.deepEqual(links.events, []);
  assert.ok(waits >= 10 && waits <= 12, String(waits));
});
