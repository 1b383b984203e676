import assert from "node:assert/strict";
import { test } from "node:test";
import { parseText } from "../../config/document.ts";
import { rewriteText } from "./rewrite.ts";

type Root = Record<string, unknown>;

function rootOf(text: string): Root {
  const parsed = parseText(text);
  assert.ok(parsed.ok && parsed.faults.length === 0, JSON.stringify(parsed.faults));
  return structuredClone(parsed.document.root) as Root;
}

/** The text after `change` was done to what it says. */
function after(text: string, change: (root: Root) => void): string | undefined {
  const root = rootOf(text);
  change(root);
  return rewriteText(text, root);
}

const listOf = (root: Root, key: string): Root[] => root[key] as Root[];

const YAML = `# About the whole file.

targets: # where data goes
  # the first target
  - id: a   # its id
    endpoint: http://a:1
    # a note inside

  # the second target
  - id: b
    weight:    2
    tags: { tier:  gold, x: y } # tags
# between the sections
rules:
- id: r
  conditions:
    - service_name: checkout
pools: # none yet
`;

const cases: {
  name: string;
  from?: string;
  change: (root: Root) => void;
  want: string | [find: string, put: string][];
}[] = [
  { name: "nothing", change: () => {}, want: [] },
  {
    name: "a number",
    change: (root) => (listOf(root, "targets")[1]!["weight"] = 5),
    want: [["weight:    2", "weight:    5"]],
  },
  {
    name: "a value between braces",
    change: (root) => (listOf(root, "targets")[1]!["tags"] = { tier: "silver, old", x: "y" }),
    want: [["tier:  gold", 'tier:  "silver, old"']],
  },
  {
    name: "an entry more and one less between braces",
    change: (root) => (listOf(root, "targets")[1]!["tags"] = { x: "y", z: "1" }),
    want: [["{ tier:  gold, x: y }", '{ x: y, z: "1" }']],
  },
  {
    name: "a key that is new, below the last of its mapping",
    change: (root) => (listOf(root, "targets")[0]!["region"] = "eu"),
    want: [["endpoint: http://a:1\n", "endpoint: http://a:1\n    region: eu\n"]],
  },
  {
    name: "a key that goes",
    change: (root) => delete listOf(root, "targets")[1]!["weight"],
    want: [["    weight:    2\n", ""]],
  },
  {
    name: "the key beside the dash goes",
    change: (root) => delete listOf(root, "rules")[0]!["id"],
    want: [["- id: r\n  conditions", "- conditions"]],
  },
  {
    name: "an entry at the end",
    change: (root) => listOf(root, "targets").push({ id: "c", endpoint: "http://c:1", tags: { k: "v" } }),
    want: [["# tags\n", "# tags\n  - id: c\n    endpoint: http://c:1\n    tags:\n      k: v\n"]],
  },
  {
    name: "an entry in front of one with a comment",
    change: (root) => listOf(root, "targets").splice(1, 0, { id: "c", endpoint: "http://c:1" }),
    want: [["  # the second target\n", "  - id: c\n    endpoint: http://c:1\n  # the second target\n"]],
  },
  {
    name: "an entry that goes, and its comment with it",
    change: (root) => listOf(root, "targets").splice(1, 1),
    want: [["  # the second target\n  - id: b\n    weight:    2\n    tags: { tier:  gold, x: y } # tags\n", ""]],
  },
  {
    name: "the last entry of a list goes",
    change: (root) => (root["rules"] = []),
    want: [["rules:\n- id: r\n  conditions:\n    - service_name: checkout\n", "rules: []\n"]],
  },
  {
    name: "a section without a value gets one",
    change: (root) => (root["pools"] = { p: { targets: ["a"] } }),
    want: [["pools: # none yet\n", "pools: # none yet\n  p:\n    targets:\n      - a\n"]],
  },
  {
    name: "a section that is new",
    change: (root) => (root["default_pool"] = "p"),
    want: [["pools: # none yet\n", "pools: # none yet\ndefault_pool: p\n"]],
  },
  {
    name: "another kind of value",
    change: (root) => (listOf(root, "rules")[0]!["conditions"] = "x"),
    want: [["  conditions:\n    - service_name: checkout\n", "  conditions: x\n"]],
  },
  {
    name: "no line break at the end",
    from: "a: 1\nb: 2",
    change: (root) => (root["c"] = [1]),
    want: "a: 1\nb: 2\nc:\n  - 1",
  },
  {
    name: "Windows line ends",
    from: "a: 1\r\nb: 2\r\n",
    change: (root) => (root["c"] = 3),
    want: "a: 1\r\nb: 2\r\nc: 3\r\n",
  },
  { name: "a byte order mark", from: "\uFEFFa: 1\n", change: (root) => (root["a"] = 3), want: "\uFEFFa: 3\n" },
  {
    name: "an empty list in brackets becomes a block",
    from: "rules: [] # none\nx: 1\n",
    change: (root) => (root["rules"] = [{ id: "a" }]),
    want: "rules: # none\n  - id: a\nx: 1\n",
  },
  {
    name: "a list in brackets on several lines, with comments",
    from: "r: [\n  # one\n  { id: a }, # of a\n  # two\n  { id: b } # of b\n]\n",
    change: (root) => (root["r"] = [{ id: "b" }, { id: "c" }]),
    want: "r: [\n  # one\n  # two\n  { id: b }, # of b\n  { id: c }\n]\n",
  },
  {
    name: "a merged key is overridden, the merge stays",
    from: "base: &b { x: 1, y: 2 }\na:\n  <<: *b\n  z: 3\n",
    change: (root) => (root["a"] = { x: 9, y: 2, z: 3 }),
    want: "base: &b { x: 1, y: 2 }\na:\n  <<: *b\n  z: 3\n  x: 9\n",
  },
  {
    name: "an alias is replaced by what it is to say",
    from: "a: &v 5\nb: *v\n",
    change: (root) => (root["b"] = 6),
    want: "a: &v 5\nb: 6\n",
  },
  {
    name: "a text in a block",
    from: "a: |\n  one\n  two\nb: 1\n",
    change: (root) => (root["a"] = "three"),
    want: "a: three\nb: 1\n",
  },
  {
    name: "the first key of an entry goes, and only a comment stands on the line of its dash",
    from: "r:\n  - a: 1 # of a\n    # of b\n    b: 2\n",
    change: (root) => delete listOf(root, "r")[0]!["a"],
    want: "r:\n  - \n    # of b\n    b: 2\n",
  },
  {
    name: "JSON stays JSON",
    from: '{\n    "targets": [\n        { "id": "a", "n": 12345678901234567890 }\n    ]\n}\n',
    change: (root) => listOf(root, "targets").push({ id: "b", list: [1] }),
    want: '{\n    "targets": [\n        { "id": "a", "n": 12345678901234567890 },\n        {\n            "id": "b",\n            "list": [\n                1\n            ]\n        }\n    ]\n}\n',
  },
  {
    name: "JSON on one line stays on it",
    from: '{"a":[{"id":"x"}],"b":{}}',
    change: (root) => {
      listOf(root, "a").unshift({ id: "w" });
      root["c"] = { d: [] };
    },
    want: '{"a":[{"id":"w"},{"id":"x"}],"b":{},"c":{"d":[]}}',
  },
];

for (const { name, from = YAML, change, want } of cases) {
  test(`rewrite: ${name}`, () => {
    const wanted =
      typeof want === "string"
        ? want
        : want.reduce((text, [find, put]) => {
            assert.ok(text.includes(find));
            return text.replace(find, () => put);
          }, from);
    assert.equal(after(from, change), wanted);
    assert.equal(after(windows(from), change), windows(wanted), "with Windows line ends");
  });
}

function windows(text: string): string {
  return text.replaceAll(/\r?\n/gu, "\r\n");
}

test("rewrite: what an anchor stands for in other places, too, is not changed", () => {
  assert.equal(
    after("a: &v { x: 1 }\nb: *v\n", (root) => (root["a"] = { x: 2 })),
    undefined,
  );
});

test("rewrite: a text that is no document stays unwritten", () => {
  assert.equal(rewriteText("a: [", {}), undefined);
});
