import assert from "node:assert/strict";
import { test } from "node:test";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedResolver } from "../../../test/support/scripted-resolver.ts";
import { seededRandom } from "../../core/random.ts";
import { createLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { openNamedTarget } from "./named-target.ts";

const PUBLIC = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

function open(resolve: "all" | "auto") {
  const clock = new ManualClock();
  const lines: string[] = [];
  const log = createLog({ clock, write: (line) => lines.push(line), level: "info", format: "json", colour: false });
  const resolver = new ScriptedResolver();
  const metrics = createMetrics();
  const client = { send: () => () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const env = { clock, log, resolver, metrics, random: seededRandom(1), openClient: () => client };
  const target = openNamedTarget(targetPlan("t", { url: "http://tempo.test:4317", resolve }), env, "start");
  const answer = (addresses: readonly string[]): void => {
    clock.advance(30_000);
    resolver.find(addresses, 30_000);
  };
  const told = (): string[] => lines.splice(0).map((line) => (JSON.parse(line) as { msg: string }).msg); // oxlint-disable-line typescript/no-unsafe-type-assertion -- our own log
  return { clock, resolver, metrics, target, answer, told };
}

test("that one of several public addresses is used is told once, with the key that changes it", () => {
  const { answer, told, target } = open("auto");
  answer(PUBLIC);
  answer(PUBLIC);
  assert.deepEqual(told(), ["name of a target has several addresses, of which one is used: resolve: all uses all"]);
  assert.equal(target.parts!.all.length, 1);
});

test("that a name has more addresses than are used is told once", () => {
  const { answer, told } = open("all");
  const many = Array.from({ length: 70 }, (_, i) => `10.0.1.${i}`);
  answer(many);
  answer(many);
  assert.deepEqual(told(), ["name of a target has more than 64 addresses", "addresses of a target changed"]);
});

test("addresses that come and go are told; a lookup that fails is told, counted, and changes nothing", () => {
  const { answer, told, resolver, clock, metrics, target } = open("all");
  answer(["10.0.0.1"]);
  answer(["10.0.0.1"]);
  answer(["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(told(), ["addresses of a target changed", "addresses of a target changed"]);
  for (let i = 0; i < 2; i++) {
    clock.advance(30_000);
    resolver.fail("EAI_AGAIN");
  }
  assert.deepEqual(told(), ["name of a target cannot be resolved: what is known of it stays"]);
  assert.equal(metrics.targetResolutions.with("t", "failed").value, 2);
  assert.equal(target.parts!.all.length, 2);
});
