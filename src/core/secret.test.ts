import assert from "node:assert/strict";
import { test } from "node:test";
import { format, inspect } from "node:util";
import { Secret } from "./secret.ts";

test("secret: no way of printing shows the text", () => {
  const holder = { token: new Secret("hunter2"), list: [new Secret("hunter2")] };
  const printed = [
    String(holder.token),
    holder.token.toString(),
    JSON.stringify(holder),
    inspect(holder, { depth: null, showHidden: true }),
    format("%s %o %j", holder.token, holder, holder),
    JSON.stringify(Object.entries(holder.token)),
  ];
  for (const text of printed) assert.ok(!text.includes("hunter2"), text);
  assert.equal(printed[0], "[redacted]");
  assert.equal(holder.token.reveal(), "hunter2");
});
