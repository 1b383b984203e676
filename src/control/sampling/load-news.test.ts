import assert from "node:assert/strict";
import test from "node:test";
import { isNewsOfNode, isNewsOfRegion, loadTold, NO_LOAD_TOLD, type ToldLoad } from "./load-news.ts";

function told(before: ToldLoad, perSecond: number, nowMs: number, toldPerSecond = perSecond): ToldLoad {
  return loadTold(before, { perSecond, toldPerSecond }, nowMs);
}

/** As much came for long. */
const QUIET = [0, 5_000, 10_000, 15_000].reduce((before, nowMs) => told(before, 1_000, nowMs), NO_LOAD_TOLD);

test("load news: of a node it is news when a quarter more or less comes, and three seconds after that it tells again", () => {
  assert.equal(isNewsOfNode(QUIET, 1_240, 16_000), false);
  assert.equal(isNewsOfNode(QUIET, 5_000, 15_900), false); // not twice in a second
  assert.equal(isNewsOfNode(QUIET, 5_000, 16_000), true);
  const news = told(QUIET, 5_000, 16_000);
  assert.equal(isNewsOfNode(news, 5_000, 18_900), false);
  assert.equal(isNewsOfNode(news, 5_000, 19_000), true);
  const again = told(news, 5_000, 19_000);
  assert.equal(isNewsOfNode(again, 5_000, 23_000), false);
});

test("load news: what its reports make of it a node goes by, so that it tells until they have caught up", () => {
  const news = told(QUIET, 5_000, 16_000, 1_800);
  assert.equal(isNewsOfNode(news, 5_000, 17_000), true);
});

test("load news: of a region little is news for ten seconds after much was, and not else", () => {
  assert.equal(isNewsOfRegion(QUIET, 1_100, 20_000), false);
  assert.equal(isNewsOfRegion(QUIET, 1_300, 20_000), true);
  const news = told(QUIET, 1_300, 20_000);
  assert.equal(isNewsOfRegion(news, 1_320, 21_000), false);
  assert.equal(isNewsOfRegion(news, 1_340, 21_000), true);
  // That alone does not go on for ever.
  const settled = told(news, 1_340, 21_000);
  assert.equal(isNewsOfRegion(settled, 1_390, 29_900), true);
  assert.equal(isNewsOfRegion(settled, 1_390, 30_000), false);
});
