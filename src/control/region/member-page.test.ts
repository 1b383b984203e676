import assert from "node:assert/strict";
import { test } from "node:test";
import { reportOf } from "../../../test/support/fleet/reports.ts";
import { METHODS, writeMessage } from "../fleet/methods.ts";
import { CollectorTable, collectorTimes } from "./collector-table.ts";
import { memberPage } from "./member-page.ts";

test("a page of members that say very much of themselves is shorter, and no reply is too large", () => {
  const table = new CollectorTable({ ...collectorTimes(5_000), most: 1_000 });
  const names = Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(128, "x"));
  const tags = Object.fromEntries(names.map((name) => [name, "é".repeat(256)]));
  const ids = Array.from({ length: 200 }, (_, i) => `n${1_000 + i}`);
  for (const id of ids) table.report(reportOf(id, { tags }), 0);
  const found: string[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const { members, next } = memberPage(table, { after, limit: 200 }, 0);
    assert.ok(writeMessage({ protocol: 1, members }).length < METHODS.members.maxReplyBytes - 200_000);
    found.push(...members.map(({ id }) => id));
    after = next;
    pages++;
  } while (after !== undefined);
  assert.deepEqual([found, pages], [ids, 3]);
});
