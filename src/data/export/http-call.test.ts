import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { Timers } from "../../core/timers.ts";
import type { ExchangeFailure, ReplyHead } from "../../http1/client/contract.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { HttpCall } from "./http-call.ts";

const RESET: ExchangeFailure = { reason: "reset", text: "gone" };

function headOf(status: number, headers: ReplyHead["headers"] = {}): ReplyHead {
  return { status, headers, isChunked: false, closes: false, keptMs: undefined };
}

/** A call whose answer the test gives, part by part. */
function openCall() {
  const clock = new ManualClock();
  const outcomes: SendOutcome[] = [];
  const owner = { maxResponseBytes: 1_000, clock, timers: new Timers(clock) };
  const request = { head: Buffer.alloc(0), pieces: [], owner: undefined, signal: "traces" } as const;
  const call = new HttpCall(request, owner, (outcome) => outcomes.push(outcome));
  let given = 0;
  call.limit(5_000, () => void given++);
  call.began();
  const ended = async (): Promise<SendOutcome> => {
    await Promise.resolve();
    assert.equal(outcomes.length, 1);
    assert.equal(clock.pending, 0);
    return outcomes[0]!;
  };
  return { call, clock, ended, givenUp: () => given };
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
      reset: ({ call }) => call.failed(RESET),
      cancel: ({ call }) => call.cancel(),
    } satisfies Record<string, (opened: ReturnType<typeof openCall>) => void>;
    for (const breakOff of Object.values(breaks)) {
      const opened = openCall();
      opened.call.head(headOf(status));
      opened.call.data(Buffer.from("half"));
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
  assert.equal(late.givenUp(), 1);
  const lost = (["reset", "stale", "closed", "connect"] as const).map((reason) => {
    const opened = openCall();
    opened.call.failed({ reason, text: "gone" });
    return opened;
  });
  const reasons = await Promise.all([late, ...lost].map(({ ended }) => ended()));
  assert.deepEqual(
    reasons.map((outcome) => outcome.kind === "retry" && outcome.reason),
    ["timeout", "reset", "stale", "cancelled", "connect"],
  );
});

test("a body is what came of it, although its memory is used again, and is bounded", async () => {
  const { call, ended } = openCall();
  const bytes = Buffer.from("why");
  call.head(headOf(400, { "content-type": "text/plain" }));
  call.data(bytes);
  bytes.fill("?");
  call.data(Buffer.from(" not"));
  call.end();
  assert.equal((await ended()).message, "HTTP 400: why not");
  const long = openCall();
  long.call.head(headOf(200));
  long.call.data(Buffer.alloc(1_000));
  assert.equal(long.givenUp(), 0);
  long.call.data(Buffer.alloc(1));
  assert.equal(long.givenUp(), 1);
  assert.equal((await long.ended()).kind, "accepted");
});

test("a body in pieces of one byte is whole, and has memory for no piece of its own", async (t) => {
  const { call, ended } = openCall();
  call.head(headOf(400, { "content-type": "text/plain" }));
  const { mock } = t.mock.method(Buffer, "allocUnsafeSlow");
  for (let i = 0; i < 1_000; i++) call.data(Buffer.from(String(i % 10)));
  assert.ok(mock.callCount() <= 12, `${mock.callCount()} times`);
  call.end();
  assert.equal((await ended()).message, `HTTP 400: ${"0123456789".repeat(20)}`);
});
