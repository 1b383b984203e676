import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "../../../test/fleet/calls.ts";
import type { ControllerCalls } from "./controller-calls.ts";
import { digestOf } from "./directive.ts";
import { writeDirective } from "../../../test/support/fleet/directives.ts";
import { encodeBody, FLEET_PROTOCOL } from "./messages.ts";
import { followerRig, type HeldAnswer } from "../../../test/support/fleet/follower-rig.ts";

test("a follower: directives are applied as they come, and what is larger is fetched by its digest", async () => {
  const held: HeldAnswer[] = [];
  const large = "x".repeat(9_000);
  const fetch: ControllerCalls["fetch"] = async ({ digest }) => ({
    protocol: FLEET_PROTOCOL,
    digest,
    body: encodeBody(Buffer.from(large)),
  });
  await using stage = followerRig({ controllers: { c1: { fetch } }, held });
  await stage.pass(0);
  const directives = [
    writeDirective({ scope: "limits", epoch: "1.7", seq: 1, validForMs: 30_000, body: "{}" }),
    writeDirective({ scope: "config", epoch: "1.7", seq: 2, validForMs: 30_000, body: large }),
  ];
  assert.equal(directives[1]?.body, undefined);
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives });
  await stage.pass(0);
  assert.deepEqual(stage.applied, ["limits 1 {}", `config 2 ${large}`]);
  const again = stage.heard.findLast(({ method }) => method === "await")?.request;
  assert.deepEqual(again && "known" in again && again.known, {
    limits: { epoch: "1.7", seq: 1 },
    config: { epoch: "1.7", seq: 2 },
  });
});

test("a follower: a document that came with its directive is not fetched, once, and it says which one it has", async () => {
  const held: HeldAnswer[] = [];
  const [digest, older] = [digestOf("a document"), digestOf("older")];
  const config = { version: 1, digest: older, result: "running" as const };
  await using stage = followerRig({ controllers: { c1: {} }, held, facts: () => reportOf("n1", { config }) });
  await stage.pass(0);
  const has = (): unknown[] => stage.heard.flatMap(({ request }) => ("has" in request ? [request.has] : []));
  const fetched = (): number => stage.heard.filter(({ method }) => method === "fetch").length;
  const directives = [writeDirective({ scope: "config", epoch: "1.7", seq: 1, validForMs: 90_000, body: "{}" })];
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives, document: { digest, text: "a document" } });
  await stage.pass(0);
  assert.deepEqual(has(), [older, digest]);
  assert.equal(await stage.follower.fetch(digest, new AbortController().signal), "a document");
  assert.equal(fetched(), 0);
  assert.equal(await stage.follower.fetch(digest, new AbortController().signal), "text");
  assert.equal(await stage.follower.fetch(older, new AbortController().signal), "text");
  assert.equal(fetched(), 2);
  held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives: [] });
  await stage.pass(0);
  assert.equal(has().at(-1), digest);
});

test("a follower: of a config that it has refused it says that it has it", async () => {
  const config = { version: 1, digest: "one", result: "refused" as const, tried_version: 2, tried_digest: "two" };
  await using stage = followerRig({ controllers: { c1: {} }, facts: () => reportOf("n1", { config }) });
  await stage.pass(0);
  const request = stage.heard.findLast(({ method }) => method === "await")?.request;
  assert.equal(request && "has" in request && request.has, "two");
});

test("a follower: a large directive that is written again says what it said, and is fetched once", async () => {
  const held: HeldAnswer[] = [];
  const bodies = ["x".repeat(9_000), "y".repeat(9_000)];
  const fetched: string[] = [];
  const fetch: ControllerCalls["fetch"] = async ({ digest }) => {
    fetched.push(digest);
    const body = bodies.find((one) => digestOf(one) === digest) ?? "";
    return { protocol: FLEET_PROTOCOL, digest, body: encodeBody(Buffer.from(body)) };
  };
  await using stage = followerRig({ controllers: { c1: { fetch } }, held });
  await stage.pass(0);
  for (const [seq, at] of [0, 0, 1].entries()) {
    const about = { scope: "config", epoch: "1.7", seq, validForMs: 30_000, body: bodies[at] ?? "" };
    held.at(-1)?.({ protocol: FLEET_PROTOCOL, directives: [writeDirective(about)] });
    await stage.pass(1_000);
  }
  assert.deepEqual(fetched, bodies.map(digestOf));
  assert.deepEqual(stage.applied, [`config 0 ${bodies[0]}`, `config 1 ${bodies[0]}`, `config 2 ${bodies[1]}`]);
});
