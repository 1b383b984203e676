import assert from "node:assert/strict";
import { test } from "node:test";
import { experimental, logVerbosity } from "@grpc/grpc-js";
import { listenToGrpc } from "./grpc-log.ts";

test("what grpc-js says by itself goes to those who have connections open, and to stderr when nobody has", (t) => {
  const stderr = t.mock.method(console, "error", () => undefined);
  const say = (text: string): void => experimental.log(logVerbosity.ERROR, text);
  const told: string[] = [];
  const one = listenToGrpc((text) => told.push(`one ${text}`));
  const other = listenToGrpc((text) => told.push(`other ${text}`));
  say("a");
  other[Symbol.dispose]();
  say("b");
  one[Symbol.dispose]();
  assert.equal(stderr.mock.callCount(), 0);
  say("c");
  assert.deepEqual(told, ["one a", "other a", "one b"]);
  assert.deepEqual(
    stderr.mock.calls.map((call) => call.arguments),
    [["E c"]],
  );
});
