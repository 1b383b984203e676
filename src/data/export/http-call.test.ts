import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dispatcher } from "undici";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { Timers } from "../../core/timers.ts";
import { HttpCall } from "./http-call.ts";
import type { JoinedBody } from "./join-memory.ts";
import type { SendOutcome } from "../send-outcome.ts";

/** A call whose answer the test gives, part by part. */
function openCall(more: { closing?: boolean; joined?: JoinedBody } = {}) {
  const clock = new ManualClock();
  const outcomes: SendOutcome[] = [];
  const owner = { maxResponseBytes: 1_000, clock, timers: new Timers(clock), closing: more.closing ?? false };
  const call = new HttpCall("traces", owner, (outcome) => outcomes.push(outcome), { joined: more.joined });
  const aborted: Error[] = [];
  const controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (error: Error) => void aborted.push(error),
    pause: () => undefined,
    resume: () => undefined,
  };
  call.limit(5_000);
  call.onRequestStart(controller);
  const ended = async (): Promise<SendOutcome> => {
    await Promise.resolve();
    assert.equal(outcomes.length, 1);
    assert.equal(clock.pending, 0);
    return outcomes[0]!;
  };
  return { call, clock, controller, aborted, ended };
}

const KNOWN: readonly { readonly status: number; readonly kind: SendOutcome["kind"] }[] = [
  { status: 200, kind: "accepted" },
  { status: 204, kind: "accepted" },
  { status: 400, kind: "rejected" },
  { status: 413, kind: "too_large" },
  { status: 503, kind: "retry" },
];
for (const { status, kind } of KNOWN) {
  test(`a status of ${status} holds when its body does not come in time, breaks off, or is given up`, async () => {
    const breaks = {
      timeout: ({ clock }) => clock.advance(5_000),
      reset: ({ call, controller }) => call.onResponseError(controller, new Error("gone")),
      cancel: ({ call }) => call.cancel(),
    } satisfies Record<string, (opened: ReturnType<typeof openCall>) => void>;
    for (const breakOff of Object.values(breaks)) {
      const opened = openCall();
      opened.call.onResponseStart(opened.controller, status, {});
      opened.call.onResponseData(opened.controller, Buffer.from("half"));
      breakOff(opened);
      const outcome = await opened.ended();
      assert.equal(outcome.kind, kind);
      if (outcome.kind === "retry") assert.equal(outcome.reason, "unavailable");
    }
  });
}

test("without an answer the way in which the call ended is told", async () => {
  const late = openCall();
  late.clock.advance(5_000);
  const lost = openCall();
  lost.call.onResponseError(lost.controller, new Error("gone"));
  const closed = openCall({ closing: true });
  closed.call.onResponseError(closed.controller, new Error("gone"));
  const reasons = await Promise.all([late, lost, closed].map(({ ended }) => ended()));
  assert.deepEqual(
    reasons.map((outcome) => outcome.kind === "retry" && outcome.reason),
    ["timeout", "reset", "cancelled"],
  );
});

test("an interim reply is none", async () => {
  const { call, controller, ended } = openCall();
  call.onResponseStart(controller, 103, { "content-type": "text/plain", "retry-after": "9" });
  call.onResponseError(controller, new Error("gone"));
  const outcome = await ended();
  assert.deepEqual(outcome.kind === "retry" && [outcome.reason, outcome.afterMs], ["reset", undefined]);
});

test("a body's memory is given back once, by a call that began on a connection which has written it", async () => {
  for (const [written, times] of [
    [undefined, 0],
    [false, 0],
    [true, 1],
  ] as const) {
    let given = 0;
    const joined = { bytes: Buffer.alloc(1), giveBack: () => given++ };
    const { call, controller, ended } = openCall({ joined });
    if (written !== undefined) call.beganOn({ reads: 0, head: undefined, hasWritten: () => written });
    call.onResponseStart(controller, 200, {});
    assert.equal(given, 0);
    call.onResponseEnd();
    call.onResponseError(controller, new Error("gone"));
    assert.equal((await ended()).kind, "accepted");
    assert.equal(given, times, String(written));
  }
});
