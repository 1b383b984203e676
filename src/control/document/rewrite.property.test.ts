import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseText } from "../../config/document.ts";
import { rewriteFew, rewriteKnown, rewriteText } from "./rewrite.ts";
import { editRoot } from "./element.ts";

/**
 * Documents of a list and a mapping of elements, each of scalars, lists and mappings, written in
 * many layouts with a comment at any line. A comment is named after what it belongs to
 * (`# a.weight 3`): it may go when that goes, or gets another value.
 */
type Element = Record<string, unknown>;
interface Data {
  targets: Element[];
  pools: Record<string, Element>;
}

const scalar = fc.oneof(
  fc.integer({ min: -5, max: 9_999 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(2n ** 62n),
  fc.stringMatching(/^[ -~]{0,12}$/u),
  fc.constantFrom("two\nlines", "# none", "yes", "a: b", "[x]", "1e3", "ends\n", "é — ü", "- x"),
);
const value = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom("x", "y", "z w"), scalar, { maxKeys: 3, noNullPrototype: true }),
  },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.dictionary(fc.constantFrom("k", "op"), scalar, { minKeys: 1, maxKeys: 2, noNullPrototype: true }),
      { maxLength: 3 },
    ),
  },
);
const KEYS = ["endpoint", "weight", "tags", "conditions", "note"] as const;
const element = fc.dictionary(fc.constantFrom(...KEYS), value, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
const data = fc
  .tuple(
    fc.uniqueArray(name, { maxLength: 4 }),
    fc.uniqueArray(name, { maxLength: 3 }),
    fc.array(element, { minLength: 7, maxLength: 7 }),
  )
  .map(
    ([ids, names, elements]): Data => ({
      targets: ids.map((id, i) => ({ id, ...elements[i] })),
      pools: Object.fromEntries(names.map((pool, i) => [pool, elements[4 + i]!])),
    }),
  );

type Edit =
  | { kind: "set"; section: "targets" | "pools"; of: number; key: (typeof KEYS)[number]; value: unknown }
  | { kind: "unset"; section: "targets" | "pools"; of: number; key: (typeof KEYS)[number] }
  | { kind: "add"; section: "targets" | "pools"; at: number; id: string; element: Element }
  | { kind: "remove"; section: "targets" | "pools"; of: number };
const section = fc.constantFrom("targets" as const, "pools" as const);
const place = fc.nat({ max: 5 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), section, of: place, key: fc.constantFrom(...KEYS), value }),
  fc.record({ kind: fc.constant("unset" as const), section, of: place, key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant("add" as const), section, at: place, id: fc.constantFrom("n1", "n2", "n3"), element }),
  fc.record({ kind: fc.constant("remove" as const), section, of: place }),
);

/** Decisions about the layout, taken from a list of numbers. */
class Layout {
  readonly #choices: readonly number[];
  #at = 0;
  readonly dashIndent: number;
  #comments = 0;

  constructor(choices: readonly number[]) {
    this.#choices = choices;
    this.dashIndent = this.choose(2) * 2;
  }

  choose(options: number): number {
    return (this.#choices[this.#at++ % this.#choices.length] ?? 0) % options;
  }

  comment(owner: string): string {
    return `# ${owner} ${this.#comments++}`;
  }

  /** A line with, maybe, a comment above and one at its end. */
  line(indent: number, text: string, owner: string): string {
    const pad = " ".repeat(indent);
    const above = this.choose(4) === 0 ? `${this.choose(3) === 0 ? "\n" : ""}${pad}${this.comment(owner)}\n` : "";
    const below = this.choose(8) === 0 ? `\n${pad}    ${this.comment(owner)}` : "";
    return `${above}${pad}${text}${this.choose(4) === 0 ? `  ${this.comment(owner)}` : ""}${below}\n`;
  }
}

function textOf({ targets, pools }: Data, layout: Layout): string {
  const head = layout.choose(2) === 0 ? `${layout.comment("top")}\n\n` : "";
  let text = `${head}${layout.line(0, targets.length === 0 ? "targets: []" : "targets:", "targets")}`;
  for (const target of targets)
    text += elementText(target, `targets/${String(target["id"])}`, layout.dashIndent, true, layout);
  const isEmpty = Object.keys(pools).length === 0;
  text += layout.line(0, isEmpty ? (layout.choose(2) === 0 ? "pools: {}" : "pools: {   }") : "pools:", "pools");
  for (const [pool, of] of Object.entries(pools)) {
    const owner = `pools/${pool}`;
    const flow = layout.choose(5) === 0;
    text += layout.line(2, flow ? `${pool}: ${flowText(of)}` : `${pool}:`, owner);
    if (!flow) text += elementText(of, owner, 4, false, layout);
  }
  return layout.choose(3) === 0 ? `${text}${layout.comment("top")}\n` : layout.choose(4) === 0 ? text.trimEnd() : text;
}

function elementText(of: Element, owner: string, indent: number, dash: boolean, layout: Layout): string {
  if (dash && layout.choose(6) === 0) return layout.line(indent, `- ${flowText(of)}`, owner);
  let text = "";
  const column = dash ? indent + 2 : indent;
  for (const [key, entry] of Object.entries(of)) {
    const isFirst = dash && text === "";
    const line = valueText(key, entry, column, `${owner}/${key}`, layout);
    // The comment above a dash belongs to the element, and to its first key.
    text += isFirst
      ? line.replace(
          /^((?:\s*#.*\n)*) *(?=\S)/u,
          (_, above: string) => `${above.replaceAll(/^ +/gmu, " ".repeat(indent))}${" ".repeat(indent)}- `,
        )
      : line;
  }
  return text;
}

function valueText(key: string, entry: unknown, column: number, owner: string, layout: Layout): string {
  const isBlock =
    typeof entry === "object" && entry !== null && Object.keys(entry).length > 0 && layout.choose(2) === 0;
  if (!isBlock) return layout.line(column, `${key}: ${flowText(entry)}`, owner);
  let text = layout.line(column, `${key}:`, owner);
  const deeper = column + (Array.isArray(entry) ? layout.choose(2) * 2 : 2);
  for (const [at, child] of Object.entries(entry)) {
    const lead = Array.isArray(entry) ? "-" : `${flowText(at)}:`;
    text += layout.line(deeper, `${lead} ${flowText(child)}`, owner);
  }
  return text;
}

function flowText(entry: unknown): string {
  if (typeof entry === "bigint") return String(entry);
  if (Array.isArray(entry)) return `[${entry.map(flowText).join(", ")}]`;
  if (typeof entry !== "object" || entry === null) return JSON.stringify(entry);
  return `{ ${Object.entries(entry)
    .map(([key, child]) => `${JSON.stringify(key)}: ${flowText(child)}`)
    .join(", ")} }`;
}

/** What the edit does to plain data, and what the comments of which may go. */
function applyEdit(before: Data, one: Edit): { after: Data; touched: string | undefined } {
  const after = structuredClone(before);
  const ids = one.section === "targets" ? after.targets.map(({ id }) => String(id)) : Object.keys(after.pools);
  if (one.kind === "add") {
    if (ids.includes(one.id)) return { after, touched: undefined };
    if (one.section === "targets") after.targets.splice(one.at, 0, { id: one.id, ...one.element });
    else after.pools[one.id] = one.element;
    return { after, touched: undefined };
  }
  const at = one.of % Math.max(1, ids.length);
  const id = ids[at];
  if (id === undefined) return { after, touched: undefined };
  const owner = `${one.section}/${id}`;
  if (one.kind === "remove") {
    if (one.section === "targets") after.targets.splice(at, 1);
    else delete after.pools[id];
    return { after, touched: owner };
  }
  const of = one.section === "targets" ? after.targets[at]! : after.pools[id]!;
  if (one.kind === "set") of[one.key] = structuredClone(one.value);
  else delete of[one.key];
  // An element of which nothing is left is written anew.
  return { after, touched: Object.keys(of).length === 0 ? owner : `${owner}/${one.key}` };
}

const COMMENT = /# (?<owner>[a-z][\w/]*) \d+$/gmu;

function commentsOf(text: string): string[] {
  return [...text.matchAll(COMMENT)].map(([comment]) => comment);
}

function keyOrder(root: unknown): string[] {
  const { targets, pools } = root as Data;
  const list = targets.map((target) => [`targets/${String(target["id"])}`, target] as const);
  const all = [...list, ...Object.entries(pools).map(([pool, of]) => [`pools/${pool}`, of] as const)];
  return all.flatMap(([owner, of]) => [owner, ...Object.keys(of).map((key) => `${owner}/${key}`)]);
}

function rootOf(text: string): unknown {
  const parsed = parseText(text);
  assert.ok(parsed.ok && parsed.faults.length === 0, `${JSON.stringify(parsed.faults)}\n${text}`);
  return parsed.document.root;
}

test("rewrite: any sequence of edits says what it must, and keeps all comments and the order of all that stays", () => {
  const choices = fc.array(fc.nat(), { minLength: 40, maxLength: 80 });
  fc.assert(
    fc.property(data, choices, fc.array(edit, { minLength: 1, maxLength: 6 }), (start, layout, edits) => {
      let text = textOf(start, new Layout(layout));
      let now = start;
      assert.deepEqual(rootOf(text), now, text);
      // A comment inside of a value that was edited may come to stand above the next key, and go
      // with that.
      const touchedEver: string[] = [];
      for (const one of edits) {
        const { after, touched } = applyEdit(now, one);
        if (touched !== undefined) touchedEver.push(touched);
        const next = rewriteText(text, after);
        assert.ok(
          next !== undefined,
          `could not be written: ${JSON.stringify(one, (_, v) => (typeof v === "bigint" ? String(v) : v))}\n${text}`,
        );
        assert.deepEqual(rootOf(next), after);
        const stay = commentsOf(text).filter((comment) => !touchedEver.some((owner) => belongsTo(comment, owner)));
        const kept = new Set(commentsOf(next));
        assert.deepEqual(
          stay.filter((comment) => !kept.has(comment)),
          [],
          `lost\n${text}\n=>\n${next}`,
        );
        const [was, is] = [keyOrder(rootOf(text)), keyOrder(rootOf(next))];
        assert.deepEqual(
          is.filter((key) => was.includes(key)),
          was.filter((key) => is.includes(key)),
        );
        [text, now] = [next, after];
      }
    }),
    { numRuns: 300 },
  );
});

test("rewrite: JSON stays JSON through any sequence of edits", () => {
  fc.assert(
    fc.property(
      data,
      fc.constantFrom(undefined, 2, "\t"),
      fc.array(edit, { minLength: 1, maxLength: 5 }),
      (start, indent, edits) => {
        let now = JSON.parse(JSON.stringify(start, (_, v) => (typeof v === "bigint" ? 7 : v))) as Data;
        let text = JSON.stringify(now, undefined, indent);
        for (const one of edits) {
          const { after } = applyEdit(now, one);
          const next = rewriteText(text, after);
          assert.ok(next !== undefined, text);
          JSON.parse(next);
          assert.deepEqual(rootOf(next), after);
          [text, now] = [next, after];
        }
      },
    ),
    { numRuns: 300 },
  );
});

function belongsTo(comment: string, touched: string): boolean {
  const owner = comment.split(" ")[1] ?? "";
  return owner === touched || owner.startsWith(`${touched}/`);
}

/** So long that what is read last is remembered. */
const LONG = `# ${"x".repeat(70_000)}\n`;

const FORM = fc.constantFrom(
  String,
  (text: string) => text.replaceAll("\n", "\r\n"),
  (text: string) => `\uFEFF${text.trimEnd().replaceAll("\n", "\r\n")}`,
);

/** All in the result are those that all of the text has. */
function assertLineEnds(text: string, result: string | undefined): void {
  if (text.includes("\r")) assert.doesNotMatch(result ?? "", /[^\r]\n/u);
  assert.equal(result?.startsWith("\uFEFF"), result && text.startsWith("\uFEFF"));
}

test("rewriting rules of a long document gives, to the byte, what rewriting all of it gives", () => {
  const entry = fc.constantFrom(
    "# above\n  - id: ID\n    pool: p\n",
    "- { id: ID, pool: p } # beside\n",
    "- id: ID\n    # within\n    conditions:\n      - service_name: a\n\n    pool: p\n      # deep\n",
    "- id: ID\n    conditions: [{ service_name: a }]\n    pool: p\n\n",
    "- # first\n    id: ID\n    pool: p\n    # last\n",
    "- id: ID\n    pool: p\n    note: |\n      a\n       # text\n",
    "- id: ID\n    note: >+\n      a\n\n\n",
    "- { id: ID,\n      pool: p }\n",
    "- id: ID\n    conditions: [\n      { service_name: a }, # beside\n    ]\n",
  );
  const after = fc.constantFrom(
    "",
    "    # below\n",
    "\n  # below\n\n",
    "default_pool: p\n",
    "    # deep\ndefault_pool: p\n",
  );
  const change = fc.record({
    kind: fc.constantFrom("put", "add", "remove", "before"),
    at: fc.nat(9),
    pool: fc.constantFrom("q", "a: b"),
    form: FORM,
  });
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 5 }),
      after,
      change,
      (entries, end, { kind, at, pool, form }) => {
        const rules = entries.map((one, i) => `  ${one.replace("ID", `r${i}`)}`).join("");
        const text = form(`${LONG}pools: { p: {} }\nrules:\n${rules}${end}`);
        const parsed = parseText(text);
        assert.ok(parsed.ok);
        const { root } = parsed.document;
        const id = `r${at % entries.length}`;
        const wanted = { id: kind === "put" ? id : "new", conditions: [{ service_name: "b" }], pool };
        const made = editRoot(
          root,
          kind === "remove"
            ? { kind, section: "rules", id }
            : kind === "put"
              ? { kind, section: "rules", id, value: wanted }
              : { kind: "add", section: "rules", id: "new", value: wanted, ...(kind === "before" && { before: id }) },
        );
        assert.ok(made.kind === "edited");
        const inPart = rewriteFew(text, root, made.root);
        if (inPart === undefined && entries.length === 1) return; // nothing beside it tells its form
        assertLineEnds(text, inPart);
        parseText(`${LONG}targets: []\n`);
        assert.equal(inPart?.slice(LONG.length), rewriteKnown(text, root, made.root)?.slice(LONG.length));
      },
    ),
    { numRuns: Number(process.env["REWRITE_RUNS"] ?? 100) },
  );
});

test("rewriting rules of a long JSON document gives, to the byte, what rewriting all of it gives", () => {
  const rule = fc.record({ pool: fc.constant("p"), conditions: fc.constantFrom([], [{ service_name: "a" }]) });
  const change = fc.record({ kind: fc.constantFrom("put", "add", "remove", "before"), at: fc.nat(9) });
  const layout = fc.record({
    indent: fc.constantFrom(undefined, 1, 2, 4),
    isLast: fc.boolean(),
    inOneLine: fc.boolean(),
    form: FORM,
  });
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 2, maxLength: 5 }),
      layout,
      change,
      (all, { indent, isLast, inOneLine, form }, { kind, at }) => {
        const rules = all.map((one, i) => ({ id: `r${i}`, ...one }));
        const others = { pools: { p: {} }, note: "x".repeat(70_000) };
        const json = JSON.stringify(isLast ? { ...others, rules } : { rules, ...others }, undefined, indent);
        const list = JSON.stringify(rules, undefined, indent).replaceAll("\n", `\n${" ".repeat(indent ?? 0)}`);
        const text = form(inOneLine ? json.replace(list, JSON.stringify(rules)) : json);
        const parsed = parseText(text);
        assert.ok(parsed.ok);
        const { root } = parsed.document;
        const id = `r${at % rules.length}`;
        const other = { conditions: [{ service_name: "b" }], pool: "q" };
        const made = editRoot(
          root,
          kind === "remove"
            ? { kind, section: "rules", id }
            : kind === "put"
              ? { kind, section: "rules", id, value: { id, ...other } }
              : {
                  kind: "add",
                  section: "rules",
                  id: "new",
                  value: { id: "new", ...other },
                  ...(kind === "before" && { before: id }),
                },
        );
        assert.ok(made.kind === "edited");
        const inPart = rewriteFew(text, root, made.root);
        assertLineEnds(text, inPart);
        parseText(`${LONG}targets: []\n`);
        // Such a list gets lines, and a part does not tell how deep they are.
        if (!inOneLine || indent === undefined) assert.equal(inPart, rewriteKnown(text, root, made.root));
      },
    ),
    { numRuns: Number(process.env["REWRITE_RUNS"] ?? 60) },
  );
});
