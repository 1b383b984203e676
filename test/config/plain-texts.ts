import fc from "fast-check";

export const RUNS = Number(process.env["PLAIN_RUNS"] ?? 1_000);

/** With Windows line ends in each line but every `nth`. */
export function windows(text: string, nth = Infinity): string {
  let line = 0;
  return text.replaceAll(/\r?\n/gu, () => (++line % nth === 0 ? "\n" : "\r\n"));
}

/** As it is, with Windows line ends, and in a mix of both. */
export const FORMS: readonly ((text: string) => string)[] = [
  String,
  (text) => windows(text),
  (text) => windows(text, 3),
];

/** Rules, and what may stand below one of them, that the library has to read. */
export const ENTRIES = [
  "- id: a\n    equals: |\n      x\n       y\n\n",
  "- id: a\n    equals: |+\n      x\n\n\n",
  "- id: a\n    equals: >-\n      x\n      y\n    pool: p\n",
  "- |\n    x\n   # text\n",
  "- { id: a,\n      pool: p }\n",
  "- id: a\n    conditions: [\n      { service_name: a },\n      # c\n      { region: b }, ]\n",
  "- id: &a x\n    equals: *a\n",
  "- id: a\n    any: &b { c: 1 }\n    all:\n      <<: *b\n      d: 2\n",
  "- id: *a\n",
  '- id: "a\n      b"\n',
  "- id: a\n      b\n    pool: 0x1f\n",
  "- a\n    b\n",
  "-\n    id: !!str 5\n",
  "- id: a # b\tc\n    pool:\tp\n",
  "- ? a\n    : b\n",
  "- id: a\n    id: b\n",
  "- id: a\n    pool: |\n  x\n",
  "- id: '${env:A}'\n",
  "- id: a\n    conditions:\n      - service_name: b\n    pool: p\n",
  "- { id: a, pool: p }\n",
  "-\n",
];
export const BETWEEN = ["", "", "", "\n", "# c\n", "  # c\n", "      # c\n", "         # c\n\n", "   \n", "      x\n"];
export const SECTIONS = [
  "a: 1\n",
  "a: |\n  x\n\n",
  "a: |+\n  x\n\n",
  "a: [1,\n  2]\n",
  "a:\n- b: >\n    x\n- c\n",
  "a: &a x\n",
  "a:\n  b: &a { c: d }\n  e: *a\n",
  "a: x\n  y\n",
  "a: {\n}\n",
  "'a': \"x\n  y\"\n",
];
export const rulesText = fc
  .record({
    before: fc.constantFrom("", ...SECTIONS),
    column: fc.constantFrom("", "  "),
    entries: fc.array(fc.tuple(fc.constantFrom(...ENTRIES), fc.constantFrom(...BETWEEN)), {
      minLength: 1,
      maxLength: 4,
    }),
    after: fc.constantFrom("", ...SECTIONS.map((text) => text.replace("a", "z"))),
  })
  .map(({ before, column, entries, after }) => {
    const rules = entries.map(
      ([entry, below]) => `${column}${column === "" ? entry.replaceAll("\n  ", "\n") : entry}${below}`,
    );
    return `${before}rules:\n${rules.join("")}${after}`;
  });
