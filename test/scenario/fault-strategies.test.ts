import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import type { Sink } from "../support/sinks/sink.ts";
import { answers, hung, OK, refusing } from "../support/sinks/sink-script.ts";
import { account, Sender, until } from "./fault-sender.ts";

const RETRY = "retry: { initial: 10ms, max: 50ms }";
const DOWN = "http://127.0.0.1:1";

/** A node over the named sinks, and one sender of the service `s`. */
class Scene implements AsyncDisposable {
  readonly node: TestNode;
  readonly sender: Sender;
  readonly #owned: AsyncDisposableStack;

  private constructor(node: TestNode, sender: Sender, owned: AsyncDisposableStack) {
    this.node = node;
    this.sender = sender;
    this.#owned = owned;
  }

  static async open(text: string, sinks: Readonly<Record<string, Sink>>): Promise<Scene> {
    await using owned = new AsyncDisposableStack();
    const node = owned.use(await startTestNode(text, { sinks }));
    const sender = owned.use(new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s", parallel: 2 }));
    return new Scene(node, sender, owned.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

test("failover: the standby takes over when the primary is killed, which is used again some time after it came back", async () => {
  await using primary = await openGrpcSink();
  await using standby = await openGrpcSink();
  const strategy = "{ type: failover, return_after: 300ms }";
  const targets = ["primary", "standby"].map(
    (id) => `{ id: ${id}, endpoint: "http://127.0.0.1:1", slow_start: 300ms }`,
  );
  const text = `targets: [${targets.join(", ")}]
pools: { p: { targets: [primary, standby], strategy: ${strategy}, ${RETRY} } }
default_pool: p`;
  await using scene = await Scene.open(text, { primary, standby });
  const { sender } = scene;
  sender.start();
  await sender.progress(20);
  assert.equal(standby.counts().requests, 0);
  await primary.kill();
  await sender.progress(40);
  assert.ok(standby.counts().accepted > 0);
  await primary.start();
  const before = primary.counts().accepted;
  await primary.until(({ accepted }) => accepted >= before + 20);
  const taken = standby.counts().accepted;
  await sender.progress(20);
  assert.equal(standby.counts().accepted, taken, "the standby is at rest again");
  await sender.stop();
  const { lost, duplicates } = account([sender], [primary, standby]);
  assert.equal(lost, 0);
  assert.ok(duplicates <= 10, `${duplicates} duplicates: more than were under way`);
  assert.deepEqual(sender.failures, []);
});

test("failover: one failed request does not make the primary lose its place", async () => {
  await using primary = await openGrpcSink();
  await using standby = await openGrpcSink();
  const text = `pools: { p: { targets: [primary, standby], strategy: failover, ${RETRY} } }\ndefault_pool: p`;
  await using scene = await Scene.open(text, { primary, standby });
  primary.script = answers(OK, { kind: "status", code: GRPC.UNAVAILABLE }, OK, { kind: "reset" });
  for (let i = 0; i < 12; i++) assert.equal((await scene.sender.sendOne()).answer.kind, "taken");
  assert.equal(standby.counts().accepted, 2, "only what had failed was tried there");
  assert.equal(primary.counts().requests, 12);
});

test("broadcast: every target gets everything once", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const text = `pools: { p: { targets: [a, b], strategy: broadcast, ${RETRY} } }\ndefault_pool: p`;
  await using scene = await Scene.open(text, { a, b });
  scene.sender.start();
  await scene.sender.progress(30);
  await scene.sender.stop();
  assert.deepEqual(scene.sender.failures, []);
  for (const sink of [a, b]) {
    const { acknowledged, lost, duplicates } = account([scene.sender], [sink]);
    assert.deepEqual([acknowledged >= 150, lost, duplicates], [true, 0, 0]);
  }
});

test("broadcast: a target that hangs holds up no other, and makes the reply one that may be tried again", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink({ script: hung });
  const timeout = `{ id: b, endpoint: "${DOWN}", timeout: 300ms }`;
  const pool = "{ targets: [a, b], strategy: broadcast, retry: { max_retries: 0 } }";
  await using scene = await Scene.open(`targets: [${timeout}]\npools: { p: ${pool} }\ndefault_pool: p`, { a, b });
  const sent = scene.sender.sendOne();
  await a.until(({ accepted }) => accepted >= 1);
  const { answer } = await sent;
  assert.ok(answer.kind === "refused" && answer.code === GRPC.UNAVAILABLE && answer.retryMs !== undefined);
  assert.deepEqual([a.counts().acceptedItems, b.counts().requests], [5, 1]);
});

test("broadcast: a target that is known to be dead is left out, and has everything again when it is back", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const text = `pools: { p: { targets: [a, b], strategy: broadcast, retry: { max_retries: 0 } } }\ndefault_pool: p`;
  await using scene = await Scene.open(text, { a, b });
  const { sender } = scene;
  await b.kill();
  while (sender.taken < 3) {
    await sender.sendOne();
    assert.ok(sender.sent.length < 200, "the dead target was never left out");
  }
  for (const { answer } of sender.sent) {
    if (answer.kind === "taken") continue;
    assert.ok(answer.kind === "refused" && answer.code === GRPC.UNAVAILABLE && answer.retryMs !== undefined);
  }
  await b.start();
  sender.start();
  await b.until(({ accepted }) => accepted > 10);
  await sender.stop();
  assert.equal(account([sender], [a]).lost, 0);
});

const whenDown = [
  { when: "next_rule", first: 0, second: 10, told: "taken" },
  { when: "refuse", first: 0, second: 0, told: "no_target" },
] as const;
for (const { when, first, second, told } of whenDown) {
  test(`when_down ${when}: with the pool's only target down, senders are told ${told}`, async () => {
    await using a = await openGrpcSink();
    await using b = await openGrpcSink();
    const pools = `{ p: { targets: [a], when_down: ${when}, retry: { max_retries: 0 } }, q: { targets: [b] } }`;
    const text = `pools: ${pools}\nrules: [{ id: r, conditions: [{ service_name: s }], pool: p }]\ndefault_pool: q`;
    await using scene = await Scene.open(text, { a, b });
    await a.kill();
    await ejected(scene, "a");
    const before = scene.sender.sent.length;
    for (let i = 0; i < 2; i++) await scene.sender.sendOne();
    const replies = scene.sender.sent.slice(before).map(({ answer }) => answer);
    for (const answer of replies) {
      if (told === "taken") assert.equal(answer.kind, "taken");
      else assert.ok(answer.kind === "refused" && /no target is usable/u.test(answer.message), JSON.stringify(answer));
    }
    assert.deepEqual([a.counts().acceptedItems, b.counts().acceptedItems], [first, second]);
  });
}

test("when_down hold: what came while the target was down waits and is delivered when it is back", async () => {
  await using a = await openGrpcSink();
  await using b = await openGrpcSink();
  const pools = `{ p: { targets: [a], when_down: hold, ${RETRY} }, q: { targets: [b] } }`;
  const text = `pools: ${pools}\nrules: [{ id: r, conditions: [{ service_name: s }], pool: p }]\ndefault_pool: q`;
  await using scene = await Scene.open(text, { a, b });
  await a.kill();
  const held = Array.from({ length: 4 }, () => scene.sender.sendOne());
  await until(async () => (await stateOf(scene.node, "a")) === "ejected");
  held.push(scene.sender.sendOne());
  await a.start();
  for (const { answer } of await Promise.all(held)) assert.equal(answer.kind, "taken");
  assert.deepEqual([a.counts().acceptedItems, a.tally.counts().duplicates, b.counts().requests], [25, 0, 0]);
});

test("a pool that throttles as a whole is left alone for as long as it asked", async () => {
  await using a = await openGrpcSink({ script: refusing(GRPC.RESOURCE_EXHAUSTED, { retryAfterMs: 400 }) });
  const text = `pools: { p: { targets: [a], when_down: hold, ${RETRY} } }\ndefault_pool: p`;
  await using scene = await Scene.open(text, { a });
  const sent = scene.sender.sendOne();
  await a.until(({ requests }) => requests >= 1);
  a.script = () => OK;
  const { answer, tookMs } = await sent;
  assert.equal(answer.kind, "taken");
  assert.ok(tookMs >= 390, `asked for 400 ms, tried again after ${tookMs}`);
});

/** Sends until the target is ejected: only requests tell what state it is in. */
async function ejected({ node, sender }: Scene, id: string): Promise<void> {
  while ((await stateOf(node, id)) !== "ejected") {
    await sender.sendOne();
    assert.ok(sender.sent.length < 200, "the target was never ejected");
  }
}

async function stateOf(node: TestNode, id: string): Promise<string | undefined> {
  return (await node.status()).targets.find((target) => target.id === id)?.state;
}
