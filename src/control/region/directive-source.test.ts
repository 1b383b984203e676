import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { digestOf } from "../fleet/directive.ts";
import { openDirectiveSource } from "./directive-source.ts";
import { directiveKey, encodeStoredDirective } from "./stored-directive.ts";

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("directives that are over, of however many scopes there were, do not keep new ones out", async () => {
  const clock = new ManualClock();
  const store = new FakeStore();
  const place = { store, prefix: "/t", clock, random: seededRandom(1) };
  await using source = openDirectiveSource(place);
  await settle();
  const put = (scope: string, validForMs: number): void => {
    const directive = { schema: 1, scope, epoch: "1.5", seq: 1, valid_for_ms: validForMs, digest: digestOf("b") };
    const value = encodeStoredDirective({ ...directive, body: "b", written_at: "", by: "g" });
    store.put(directiveKey("/t", scope), new TextDecoder().decode(value));
  };
  for (let i = 0; i < 64; i++) put(`s${i}`, i < 2 ? 5_000 : 600_000);
  await settle();
  const scopes = (): string[] => source.newer({}).map(({ directive }) => directive.scope);
  assert.equal(scopes().length, 64);
  put("too-early", 600_000);
  await settle();
  assert.equal(scopes().includes("too-early"), false);
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000);
    await settle();
  }
  for (const scope of ["a", "b", "too-many"]) put(scope, 600_000);
  await settle();
  assert.deepEqual([scopes().length, scopes().includes("b"), scopes().includes("too-many")], [64, true, false]);
});
