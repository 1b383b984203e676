import assert from "node:assert/strict";
import { test } from "node:test";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import type { TargetPlan, TargetTlsPlan } from "../../plan/plan.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { openRenewingClient } from "./client.ts";
import type { Batch, SendDone, TargetClient } from "./target-client.ts";
import type { SendOutcome } from "../send-outcome.ts";

const ACCEPTED: SendOutcome = { kind: "accepted", rejected: 0, message: "" };
const BATCH: Batch = { signal: "traces", pieces: [], bytes: 0, items: 0, points: 0, headers: NO_HEADERS };

function tls(cert: string): TargetTlsPlan {
  return { ca: "ca", cert, key: "key", serverName: undefined, insecureSkipVerify: false };
}

/** Clients that answer by hand; `told` is what happened, by the certificate of each. */
function open() {
  const told: string[] = [];
  const calls: SendDone[] = [];
  let plan: TargetPlan = targetPlan("a", { tls: tls("one") });
  const openOne = (current: () => TargetPlan): TargetClient => {
    const cert = current().tls?.cert ?? "none";
    told.push(`open ${cert}`);
    return {
      send: (_batch, _timeoutMs, done) => {
        told.push(`send ${cert}`);
        calls.push(done);
        return () => undefined;
      },
      [Symbol.asyncDispose]: async () => void told.push(`close ${cert}`),
    };
  };
  const client = openRenewingClient(() => plan, openOne);
  const send = (): void => void client.send(BATCH, 1_000, () => undefined);
  return { client, told, send, answer: () => calls.shift()?.(ACCEPTED), become: (next: TargetPlan) => (plan = next) };
}

test("renewing client: the first send after a renewal opens anew; what was under way ends where it began", async () => {
  const { client, told, send, answer, become } = open();
  send();
  become(targetPlan("a", { tls: tls("two"), weight: 2 }));
  assert.deepEqual(told, ["open one", "send one"]);
  send();
  assert.deepEqual(told, ["open one", "send one", "open two", "send two"]);
  answer();
  assert.deepEqual(told.slice(4), ["close one"]);
  answer();
  await client[Symbol.asyncDispose]();
  assert.deepEqual(told.slice(5), ["close two"]);
});

test("renewing client: another plan with the same certificates changes nothing", async () => {
  const { client, told, send, answer, become } = open();
  send();
  answer();
  become(targetPlan("a", { tls: tls("one"), weight: 2 }));
  send();
  answer();
  assert.deepEqual(told, ["open one", "send one", "send one"]);
  await client[Symbol.asyncDispose]();
});

test("renewing client: at its end all of them are closed, also those with calls under way", async () => {
  const { client, told, send, become } = open();
  send();
  become(targetPlan("a", { tls: tls("two") }));
  send();
  become(targetPlan("a", { tls: undefined }));
  send();
  await client[Symbol.asyncDispose]();
  assert.deepEqual(told.filter((one) => one.startsWith("close")).toSorted(), ["close none", "close one", "close two"]);
});
