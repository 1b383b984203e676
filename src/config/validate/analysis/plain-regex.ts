/**
 * The parts of the glob that means the same as this pattern, for patterns of plain characters with at most an anchor at each
 * end; undefined for all others. `^GET /api/.*` is `GET /api/*`, `checkout` is `*checkout*`.
 */
export function plainRegex(pattern: string): string[] | undefined {
  const anchors = /^(?<start>\^?)(?<body>.*?)(?<rest>(?:\.\*)?)(?<end>\$?)$/su.exec(pattern)?.groups;
  const body = plainText(anchors?.["body"] ?? "");
  if (anchors === undefined || body === undefined) return undefined;
  const { start, rest, end } = anchors;
  // `.*$` must reach the end without meeting a line break, which no glob can say.
  if (rest !== "" && end !== "") return undefined;
  return [...(start === "" ? [""] : []), body, ...(end === "" ? [""] : [])];
}

/** Undefined when a character has a meaning. `\.` and `[.]` are dots. */
function plainText(body: string): string | undefined {
  if (/[\uE100-\uE10D]/u.test(body)) return undefined;
  const text = body.replaceAll(
    /\\(?<mark>[^A-Za-z0-9\s])|\[\.\]/gu,
    (whole, mark?: string) => PLAIN_MARKS[mark ?? whole] ?? mark ?? whole,
  );
  if (/[\\^$.|?*+()[\]{}]/u.test(text)) return undefined;
  return text.replaceAll(/[\uE100-\uE10D]/gu, (mark) => MARKS[mark.charCodeAt(0) - 0xe1_00] ?? "");
}

/** Characters that are meant as they are, while the others are looked at. */
const MARKS = ["\\", "^", "$", ".", "|", "?", "*", "+", "(", ")", "[", "]", "{", "}"];
const PLAIN_MARKS: Readonly<Record<string, string>> = Object.fromEntries([
  ...MARKS.map((mark, i) => [mark, String.fromCharCode(0xe1_00 + i)] as const),
  ["[.]", String.fromCharCode(0xe1_00 + MARKS.indexOf("."))],
]);
