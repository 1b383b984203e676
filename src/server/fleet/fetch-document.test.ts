import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256Of } from "../../store/recipes/config-record.ts";
import { createSharedConfig } from "../../store/recipes/shared-config.ts";
import { RiggedStore } from "../../../test/support/rigged-store.ts";
import { createDocumentFetcher } from "./fetch-document.ts";

const { signal } = new AbortController();

function digestOf(text: string): string {
  return sha256Of(Buffer.from(text));
}

test("documents by their digests: many who ask at the same time are one read of the store, and what is not there yet is asked for again", async () => {
  await using rigged = RiggedStore.open();
  const { place } = rigged;
  let reads = 0;
  const store = new Proxy(place.store, {
    get: (target, name) => {
      if (name === "get") reads++;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const config = createSharedConfig(place);
  const fetchDocument = createDocumentFetcher({ ...place, store });
  assert.equal(await rigged.pass(fetchDocument(digestOf("one"), signal)), undefined);
  for (const text of ["one", "two", "three"]) {
    await rigged.pass(config.publish(text, { signal }));
    reads = 0;
    const asked = await rigged.pass(
      Promise.all(Array.from({ length: 100 }, () => fetchDocument(digestOf(text), signal))),
    );
    assert.deepEqual(new Set(asked), new Set([text]));
    const once = reads;
    assert.equal(await rigged.pass(fetchDocument(digestOf(text), signal)), text);
    assert.ok(once > 0 && once <= 3 && reads === once, `${once} and ${reads} reads`);
  }
  assert.equal(await rigged.pass(fetchDocument(digestOf("one"), signal)), "one");
});
