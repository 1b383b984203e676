import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readByNode, type WholeReply } from "./node-replies.ts";
import { ReplyRig } from "./reply-rig.ts";

function readByOurs(pieces: readonly Buffer[]): WholeReply | undefined {
  const rig = new ReplyRig().reply("");
  for (const piece of pieces) rig.say(piece.toString("latin1"));
  rig.finish();
  const [one] = rig.replies;
  if (one === undefined || one.end === "open") return undefined;
  const headers = Object.entries(one.head.headers).map(([name, value]) => [
    name,
    typeof value === "string" ? [value] : value,
  ]);
  return { status: one.head.status, headers: Object.fromEntries(headers) as WholeReply["headers"], body: one.body };
}

function cut(bytes: string, sizes: readonly number[]): Buffer[] {
  const all = Buffer.from(bytes, "latin1");
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < all.length; i++) {
    const size = sizes.length === 0 ? all.length : (sizes[i % sizes.length] ?? 1);
    pieces.push(all.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

const name = fc.constantFrom("X-A", "x-b", "Date", "Server", "!#$%&'*+.^_`|~z", "Retry-After", "Content-Type");
const value = fc.oneof(
  fc.constantFrom("", "a", "text/plain; q=0.5, */*", "\u00e9\u00ff", "a  b\tc", '"quoted, text"'),
  fc.string({ unit: "grapheme-ascii", maxLength: 12 }).map((text) => text.trim()),
);
const blanks = fc.constantFrom("", " ", "\t", "  \t");
const field = fc.tuple(name, blanks, value, blanks).map(([n, before, v, after]) => `${n}:${before}${v}${after}`);
const ENDINGS = [
  "",
  "",
  "Connection: close",
  "Connection: keep-alive",
  "Connection: te, Close",
  "Keep-Alive: timeout=5",
];

const framed = fc
  .record({
    text: fc.string({ unit: "binary-ascii", maxLength: 40 }),
    how: fc.constantFrom("length", "length", "chunks", "none"),
    sizes: fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 4 }),
    extension: fc.constantFrom("", "", ";a", ";a=b", ';a="b;c"'),
    trailers: fc.constantFrom("", "", "X-T: 1\r\n", "X-T:\r\nX-Content-Length: 3\r\n"),
  })
  .map(({ text, how, sizes, extension, trailers }) => {
    if (how === "none") return { lines: [], body: text };
    if (how === "length") return { lines: [`Content-Length: ${text.length}`], body: text };
    let chunks = "";
    let at = 0;
    for (const size of [...sizes, 1_000]) {
      const part = text.slice(at, at + size);
      at += size;
      if (part !== "") chunks += `${part.length.toString(16)}${extension}\r\n${part}\r\n`;
    }
    return { lines: ["Transfer-Encoding: chunked"], body: `${chunks}0${extension}\r\n${trailers}\r\n` };
  });

/** Final ones. */
const FINAL = fc
  .record({
    version: fc.constantFrom("1.1", "1.1", "1.1", "1.0"),
    status: fc.constantFrom(200, 200, 202, 204, 304, 400, 404, 413, 429, 503, 599),
    reason: fc.constantFrom(" OK", " ", "", " Not What\tYou Think", " \u00e9"),
    fields: fc.array(field, { maxLength: 4 }),
    framing: framed,
    ending: fc.constantFrom(...ENDINGS),
  })
  .filter(({ version, framing }) => version === "1.1" || !framing.lines.some((line) => line.startsWith("Transfer")))
  .map(({ version, status, reason, fields, framing, ending }) => {
    const lines = [
      `HTTP/${version} ${status}${reason}`,
      ...fields,
      ...framing.lines,
      ...(ending === "" ? [] : [ending]),
    ];
    return `${lines.join("\r\n")}\r\n\r\n${status === 204 || status === 304 ? "" : framing.body}`;
  });
const INTERIM = fc
  .tuple(fc.constantFrom("100 Continue", "102 Processing", "103 Early Hints"), fc.array(field, { maxLength: 2 }))
  .map(([status, fields]) => [`HTTP/1.1 ${status}`, ...fields, "", ""].join("\r\n"));
const TAME = fc.tuple(fc.array(INTERIM, { maxLength: 2 }), FINAL).map(([interim, final]) => interim.join("") + final);

const SPARKS = [
  "\r",
  "\n",
  "\r\n",
  "\n\n",
  " ",
  "\t",
  "\u0000",
  ":",
  ",",
  ";",
  "0",
  "1",
  "9",
  "a",
  "x",
  "\u007f",
  "-",
  "+",
  "H",
];
/** One to three changes: a byte in place of one or more, or between two. */
const WILD = fc
  .tuple(
    FINAL,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.constantFrom(...SPARKS, "")), { minLength: 1, maxLength: 3 }),
  )
  .map(([bytes, changes]) =>
    changes.reduce((text, [place, count, spark]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + spark + text.slice(at + count);
    }, bytes),
  );

const sizes = fc.oneof(
  fc.constant<number[]>([]),
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }),
);
const PARAMETERS = { numRuns: Number(process.env["FUZZ_RUNS"] ?? 200) };

test("replies that keep to the rules both read alike", async () => {
  await fc.assert(
    fc.asyncProperty(TAME, sizes, async (bytes, split) => {
      const pieces = cut(bytes, split);
      const ours = readByOurs(pieces);
      assert.ok(ours !== undefined);
      assert.deepEqual({ ...ours, headers: { ...ours.headers } }, plain(await readByNode(pieces)));
    }),
    PARAMETERS,
  );
});

test("of replies that are broken anyhow ours takes none that node does not take, and reads all of it alike", async () => {
  let taken = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(WILD, sizes, async (bytes, split) => {
      const pieces = cut(bytes, split);
      const ours = readByOurs(pieces);
      if (ours === undefined) {
        refused++;
        return;
      }
      taken++;
      if (isListOfLengths(ours)) return;
      assert.deepEqual({ ...ours, headers: { ...ours.headers } }, plain(await readByNode(pieces)));
    }),
    PARAMETERS,
  );
  assert.ok(taken > 20 && refused > 20, `${taken} taken, ${refused} refused`);
});

/** The one thing that ours takes and node does not: the same length, said twice. */
function isListOfLengths({ headers }: WholeReply): boolean {
  return headers["content-length"]?.some((text) => text.includes(",")) === true;
}

function plain(reply: WholeReply | undefined): WholeReply | undefined {
  return reply && { ...reply, headers: { ...reply.headers } };
}
