import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { calm, reportOf } from "../../../test/fleet/calls.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { ControllerCalls, ControllerMethod } from "../../control/fleet/controller-calls.ts";
import type { Extent } from "../../core/arena/extent.ts";
import { METHODS, writeMessage } from "../../control/fleet/methods.ts";
import type { UnaryCall, UnaryReply } from "../../http2/port.ts";
import { createFleetAuth } from "./fleet-auth.ts";
import { createFleetHandler } from "./fleet-handler.ts";

/** What is sent for so many calls. */
async function answersOf(
  calls: ControllerCalls,
  method: ControllerMethod,
  request: object,
  times: number,
): Promise<UnaryReply[]> {
  const nothing = (): void => undefined;
  const handler = createFleetHandler({
    calls,
    auth: createFleetAuth({ token: undefined, mutual: false }),
    clock: new ManualClock(),
    observer: { began: nothing, ended: nothing, refused: nothing, failed: nothing },
  });
  const sent: UnaryReply[] = [];
  for (let i = 0; i < times; i++) {
    const call: Partial<UnaryCall> = {
      path: METHODS[method].path,
      peer: "test",
      peerNames: [],
      encoding: "identity",
      header: () => undefined,
      reply: (reply) => void sent.push(reply),
    };
    const body: Pick<Extent, "release"> = { release: nothing };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a handler asks of a call
    handler(call as UnaryCall)?.message(writeMessage(request), false, body as Extent);
    await turn();
  }
  return sent;
}

/** An answer that tells how often it was written. */
function counted(reply: object): { readonly reply: object; written: number } {
  const count = { written: 0 };
  const toJSON = (): object => {
    count.written++;
    return reply;
  };
  return Object.assign(count, { reply: { ...reply, toJSON } });
}

for (const [method, request] of [
  ["await", { protocol: 1, id: "n1" }],
  ["fetch", { protocol: 1, id: "n1", digest: "0".repeat(64) }],
  ["discover", { protocol: 1, id: "n1", wanted: [] }],
] as const) {
  test(`fleet handler: an answer to ${method} that many get is written once`, async () => {
    const answer = counted({ protocol: 1, directives: [] });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object will do
    const calls = { ...calm(), [method]: async () => answer.reply } as unknown as ControllerCalls;
    const sent = await answersOf(calls, method, request, 3);
    assert.deepEqual(
      sent.map(({ status, message = new Uint8Array() }) => [status, Buffer.from(message).toString()]),
      Array.from({ length: 3 }, () => [0, '{"protocol":1,"directives":[]}']),
    );
    assert.equal(answer.written, 1);
  });
}

test("fleet handler: a Report is answered with what holds then", async () => {
  let collectors = 0;
  const reply = { protocol: 1, controller: { id: "c1", epoch: "1.7" }, newer: [], received_at_ms: 0 };
  const calls = calm([], { report: async () => ({ ...reply, collectors: ++collectors }) });
  const sent = await answersOf(calls, "report", reportOf("n1"), 2);
  assert.match(Buffer.from(sent[1]?.message ?? new Uint8Array()).toString(), /"collectors":2/u);
});
