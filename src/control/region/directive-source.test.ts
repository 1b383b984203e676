import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { seededRandom } from "../../core/random.ts";
import { writeJson } from "../../store/recipes/json-value.ts";
import { readConfigDirective, wantedOf } from "../fleet/config-reconciler.ts";
import { digestOf } from "../fleet/directive.ts";
import { type DirectiveSource, openDirectiveSource } from "./directive-source.ts";
import { directivesOf } from "./own-canaries.ts";
import { directiveKey, type StoredDirective } from "./stored-directive.ts";

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
    const value = writeJson({ ...directive, body: "b", written_at: "", by: "g" });
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

const TRIED = { version: 2, sha256: "2".repeat(64), stage: "region", base: 1, again: false };
const IN_EU = { nodes: ["eu-1", "eu-2"], incarnations: ["x", "x"], region: "eu" };

function stored(body: string): StoredDirective {
  const head = { schema: 1, scope: "config", epoch: "1.5", seq: 1, valid_for_ms: 9_000, by: "g", written_at: "" };
  return { ...head, digest: digestOf(body), body };
}

function sourceOf(newest: readonly StoredDirective[]): DirectiveSource {
  return {
    newest,
    newer: () => newest.map((directive) => ({ directive, remainingMs: 9_000 })),
    body: () => undefined,
    onNews: () => () => undefined,
  };
}

for (const { name, candidate, told } of [
  { name: "those who try it are told of in their region alone", candidate: { ...TRIED, ...IN_EU }, told: [2, 1] },
  {
    name: "where nobody has said their region all hear of them",
    candidate: { ...TRIED, nodes: ["eu-1"] },
    told: [2, 2],
  },
  { name: "what all try is told to all", candidate: { ...TRIED, stage: "all" }, told: [2, 2] },
  { name: "nothing is tried", candidate: undefined, told: [1, 1] },
]) {
  test(`a config's directive: ${name}, each with the digest of what is told`, () => {
    const body = JSON.stringify({ version: 1, sha256: "1".repeat(64), candidate });
    const all = sourceOf([stored(body)]);
    const versions = ["eu", "us"].map((region) => {
      const source = directivesOf(region, all);
      const [live] = source.newer({});
      const [shown] = source.newest;
      assert.deepEqual(live?.directive, shown);
      assert.equal(digestOf(shown!.body), shown!.digest);
      assert.equal(source.body(shown!.digest), shown!.body);
      return wantedOf(readConfigDirective(shown!.body)!, { id: "eu-1", incarnation: "x" }).version;
    });
    assert.deepEqual(versions, told);
  });
}

test("a config's directive: no id of another region is told, and each is told as it is now", () => {
  const bodyOf = (version: number): string =>
    JSON.stringify({ version, sha256: "1".repeat(64), candidate: { ...TRIED, ...IN_EU } });
  const newest = [stored(bodyOf(1))];
  const source = directivesOf("us", sourceOf(newest));
  for (const version of [1, 3]) {
    newest[0] = stored(bodyOf(version));
    const config = readConfigDirective(source.newest[0]!.body);
    const { nodes, incarnations } = config?.candidate ?? {};
    assert.deepEqual([config?.version, nodes, incarnations], [version, [], []]);
  }
});
