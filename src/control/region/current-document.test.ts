import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { type ConfigDirective, digestOf } from "../fleet/directive.ts";
import type { BroughtDocument } from "../fleet/messages.ts";
import { CurrentDocument } from "./current-document.ts";
import type { LiveDirective } from "./directive-source.ts";
import type { StoredDirective } from "./stored-directive.ts";

const NEVER = new AbortController().signal;
const OLD = digestOf("old");
type Fetch = (digest: string) => Promise<string | undefined>;

class Rig {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly document: CurrentDocument;
  readonly newest: StoredDirective[] = [];

  constructor(fetch: Fetch = async (digest) => ["one", "two"].find((text) => digestOf(text) === digest)) {
    this.document = new CurrentDocument({
      clock: this.clock,
      directives: { newest: this.newest },
      fetchBody: (digest) => {
        this.asked.push(digest);
        return fetch(digest);
      },
    });
  }

  decide(text: string, candidate?: ConfigDirective["candidate"]): LiveDirective[] {
    const body = JSON.stringify({ version: 3, sha256: digestOf(text), candidate });
    const mark = { scope: "config", epoch: "1.5", seq: 1, digest: digestOf(body), body };
    this.newest.splice(0, 1, { schema: 1, valid_for_ms: 60_000, written_at: "", by: "", ...mark });
    return this.newest.map((directive) => ({ directive, remainingMs: 60_000 }));
  }

  async gives(news: readonly LiveDirective[], has: string | undefined): Promise<BroughtDocument | undefined> {
    await this.document.bring(NEVER);
    return this.document.goesWith(news, has);
  }
}

function triedBy(text: string, nodes?: string[]): ConfigDirective["candidate"] {
  return { version: 4, sha256: digestOf(text), stage: "s", nodes, again: false };
}

test("a document goes with the directive that names it to whoever takes it and has another one, and is read once", async () => {
  const rig = new Rig();
  const news = rig.decide("one");
  const one = { digest: digestOf("one"), text: "one" };
  assert.deepEqual(await rig.gives(news, OLD), one);
  assert.deepEqual(await rig.gives(news, ""), one);
  assert.equal(await rig.gives(news, one.digest), undefined);
  assert.equal(await rig.gives(news, undefined), undefined, "who does not know of it fetches it");
  assert.equal(await rig.gives([], OLD), undefined, "nothing is said of the config");
  assert.deepEqual(rig.asked, [one.digest]);
  // Of what was decided before, somebody may hear later.
  const before = news;
  assert.equal((await rig.gives(rig.decide("two"), OLD))?.text, "two");
  assert.equal(await rig.gives(before, OLD), undefined);
});

test("a document that some nodes try goes to none, and who has it is not given what all others run", async () => {
  const rig = new Rig();
  const news = rig.decide("one", triedBy("two", ["n1"]));
  assert.equal((await rig.gives(news, OLD))?.text, "one");
  assert.equal(await rig.gives(news, digestOf("two")), undefined);
});

test("a document that all try goes to all, but for one that is tried in the place of another", async () => {
  const rig = new Rig();
  assert.equal((await rig.gives(rig.decide("one", triedBy("two")), digestOf("one")))?.text, "two");
  const elsewhere = { ...triedBy("two")!, base: 2 };
  assert.equal((await rig.gives(rig.decide("one", elsewhere), OLD))?.text, "one");
});

test("a document that is large, or not there, is fetched by those who want it; what is not there is asked for again", async () => {
  const large = new Rig(async () => "x".repeat(40_000));
  const news = large.decide("large");
  assert.equal(await large.gives(news, OLD), undefined);
  assert.equal(await large.gives(news, OLD), undefined);
  assert.equal(large.asked.length, 1);
  const absent = new Rig(async () => undefined);
  assert.equal(await absent.gives(absent.decide("one"), OLD), undefined);
  await absent.gives(absent.decide("one"), OLD);
  assert.equal(absent.asked.length, 2);
});

test("directives do not wait for a document longer than half a second, and who asks later may get it", async () => {
  const read = Promise.withResolvers<string>();
  const rig = new Rig(() => read.promise);
  const news = rig.decide("one");
  let isThere = false;
  const bringing = rig.document.bring(NEVER).then(() => (isThere = true));
  rig.clock.advance(499);
  await turn();
  assert.equal(isThere, false);
  rig.clock.advance(1);
  await bringing;
  assert.equal(rig.document.goesWith(news, OLD), undefined);
  assert.equal(rig.clock.pending, 0);
  read.resolve("one");
  await turn();
  assert.equal(rig.document.goesWith(news, OLD)?.text, "one");
  assert.equal(await rig.gives(news, digestOf("one")), undefined);
  assert.equal(rig.asked.length, 1);
});
