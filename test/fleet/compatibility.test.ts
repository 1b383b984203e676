import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import { METHOD_NAMES, METHODS, readReply, readRequest, writeMessage } from "../../src/control/fleet/methods.ts";
import { digestOf } from "../../src/control/fleet/directive.ts";
import { writeDirective } from "../support/fleet/directives.ts";
import type { ControllerMethod } from "../../src/control/fleet/controller-calls.ts";
import { reportOf } from "./calls.ts";

/**
 * What the protocol before this one said, as it was recorded: none of the fields that have come
 * since, and fields that nobody knows. Never to be changed; a new version adds a file.
 */
const RECORDED = z
  .record(z.string(), z.object({ path: z.string(), request: z.unknown(), reply: z.unknown() }))
  .parse(JSON.parse(readFileSync(new URL("./protocol-0.json", import.meta.url), "utf8")));

function recorded(method: ControllerMethod): { path: string; request: unknown; reply: unknown } {
  const found = RECORDED[method];
  assert.ok(found !== undefined, `${method} is not recorded`);
  return found;
}

/** Whoever speaks it asks for nothing else, and is asked for nothing else in vain. */
const OF_THEN = METHOD_NAMES.filter((name) => name !== "discover" && name !== "limits");

for (const method of OF_THEN) {
  test(`the previous protocol as collector: its ${method} is understood`, () => {
    const { path, request } = recorded(method);
    assert.equal(path, METHODS[method].path);
    const read = readRequest(method, Buffer.from(JSON.stringify(request)));
    assert.ok(read.ok, read.ok ? "" : read.reason);
    assert.equal(read.value.protocol, 0);
    assert.equal(JSON.stringify(read.value).includes("unheard_of"), false, "what nobody knows is left out");
  });
  test(`the previous protocol as leader: its answer to ${method} is understood`, () => {
    const read = readReply(method, Buffer.from(JSON.stringify(recorded(method).reply)));
    assert.ok(read.ok, read.ok ? "" : read.reason);
  });
}

test("the previous protocol as collector: what it did not tell has a default", () => {
  const read = readRequest("report", Buffer.from(JSON.stringify(recorded("report").request)));
  assert.ok(read.ok);
  assert.deepEqual(read.value, {
    ...reportOf("old-1", { protocol: 0, region: "eu-west", incarnation: "a", seq: 7, version: "0.0.9" }),
    load: { ...reportOf("old-1").load, items_per_second: 120.5 },
    health: { state: "unknown", reason: "" },
    config: { version: 0, digest: "", result: "none" },
  });
});

test("the previous protocol as leader: whoever leads no more is understood, with and without who does", () => {
  for (const leader of [undefined, { id: "c2", address: "10.0.0.2:4321", unheard_of: 1 }]) {
    const read = readReply("await", Buffer.from(JSON.stringify({ not_leader: true, leader, unheard_of: 1 })));
    assert.ok(read.ok && "not_leader" in read.value);
    assert.deepEqual(read.value.leader, leader && { id: "c2", address: "10.0.0.2:4321", tls: false });
  }
});

test("a state that a later protocol may have is no reason to refuse who tells it", () => {
  const odd = { ...reportOf("n1"), protocol: 9, health: { state: "limping" }, config: { result: "half" } };
  const read = readRequest("report", writeMessage(odd));
  assert.ok(read.ok);
  assert.deepEqual([read.value.health.state, read.value.config.result], ["unknown", "none"]);
});

/** The schemas of protocol 0, frozen: they take what is sent today, of which they know a part. */
const OLD_REQUESTS = {
  report: z.object({ id: z.string(), region: z.string(), incarnation: z.string(), seq: z.int() }),
  await: z.object({ id: z.string(), known: z.record(z.string(), z.object({ epoch: z.string(), seq: z.int() })) }),
};
const OLD_AWAIT_REPLY = z.object({
  directives: z.array(
    z.object({
      scope: z.string(),
      epoch: z.string(),
      seq: z.int(),
      valid_for_ms: z.int(),
      digest: z.string(),
      body: z.string().optional(),
    }),
  ),
});

test("this protocol before the previous one: what it needs of a message is there, under the same names", () => {
  const report = JSON.parse(Buffer.from(writeMessage(reportOf("n1"))).toString());
  assert.ok(OLD_REQUESTS.report.safeParse(report).success);
  const known = { config: { epoch: "1.2", seq: 1 } };
  assert.ok(OLD_REQUESTS.await.safeParse({ protocol: 1, id: "n1", region: "eu", known }).success);
  const directive = writeDirective({ scope: "config", epoch: "1.2", seq: 2, validForMs: 1_000, body: "{}" });
  const document = { digest: digestOf("a"), text: "a" };
  assert.ok(OLD_AWAIT_REPLY.safeParse({ protocol: 1, directives: [directive], document }).success);
});
