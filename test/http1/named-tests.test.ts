import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { REPLY_FAULTS } from "../../src/http1/client/contract.ts";
import { DEFAULT_HTTP_LIMITS, HTTP_FAULTS } from "../../src/http1/own/contract.ts";
import { CUT_OFF, REFUSED, TAKEN } from "./reply-tricks.ts";
import { STRICTER } from "./stricter.ts";

const HERE = new URL("./", import.meta.url);
const page = readFileSync(fileURLToPath(new URL("../../docs/http1.md", HERE)), "utf8");
const source = ["replies.test.ts", "reply-tricks.ts", "connection.test.ts", "times.test.ts", "smuggling.test.ts"]
  .map((file) => readFileSync(fileURLToPath(new URL(file, HERE)), "utf8"))
  .join("\n");

/** A title as it stands in the source: with its beginning or end, where a table has the rest. */
function exists(title: string): boolean {
  const literal = (text: string): boolean => source.includes(JSON.stringify(text));
  const [, tabled = ""] = /^(?:reply )?(?:taken|refused): (.+)$/u.exec(title) ?? [];
  const [, within = ""] = /^a request that ends (.+) is refused$/u.exec(title) ?? [];
  const [, cut = ""] = /^a reply that ends (.+) is none$/u.exec(title) ?? [];
  const [, closing = ""] = /^(.+): the reply closes the connection, and nothing behind it is read$/u.exec(title) ?? [];
  return [title, tabled, within, cut, closing].some((text) => text !== "" && literal(text));
}

test("docs/http1.md: every test that it names is there, and every trick is named", () => {
  const rows = page.slice(page.indexOf("## Rules and their tests")).split("\n").slice(2);
  const titles = rows.flatMap((row) =>
    row.startsWith("| ") ? (row.split(" | ")[2] ?? "").replace(/ \|$/u, "").split("<br>") : [],
  );
  const named = titles.filter((title) => title !== "test" && title !== "---");
  assert.ok(named.length > 120);
  assert.deepEqual(
    named.filter((title) => !exists(title)),
    [],
  );
  assert.deepEqual(["no such test", "refused: no such trick"].map(exists), [false, false]);
  const tricks = [...source.slice(source.indexOf("const TRICKS")).matchAll(/name: "([^"]+)"/gu)].map(
    (match) => match[1],
  );
  assert.deepEqual(
    tricks.filter((trick) => !named.includes(`refused: ${trick}`)),
    [],
  );
  const replies = [
    ...TAKEN.map(({ name }) => `reply taken: ${name}`),
    ...REFUSED.map(({ name }) => `reply refused: ${name}`),
    ...Object.keys(CUT_OFF).map((where) => `a reply that ends ${where} is none`),
  ];
  assert.deepEqual(
    replies.filter((reply) => !named.includes(reply)),
    [],
  );
});

test("docs/http1.md: every fault, every limit with its number, and all that is stricter than node is on it", () => {
  for (const fault of [...HTTP_FAULTS, ...REPLY_FAULTS]) assert.ok(page.includes(`\`${fault}\``), fault);
  for (const [limit, value] of Object.entries(DEFAULT_HTTP_LIMITS)) {
    const shown = value >= 4_096 ? `${value / 1_024} KiB` : String(value);
    const row = page.split("\n").find((line) => line.startsWith(`| \`${limit}\` |`));
    assert.ok(row?.split("|")[2]?.trim().startsWith(shown), `${limit}: ${shown}`);
  }
  const flat = page.replaceAll("\n", " ");
  for (const name of Object.keys(STRICTER)) assert.ok(flat.includes(name), name);
});
