import fc from "fast-check";

/** What peers say: requests, and what is wrong with them. Bytes as latin1. */

const name = fc.constantFrom("X-A", "x-b", "Accept", "User-Agent", "!#$%&'*+.^_`|~z", "Cookie", "Content-Type");
const value = fc.oneof(
  fc.constantFrom("", "a", "text/plain; q=0.5, */*", "\u00e9\u00ff", "a  b\tc", '"quoted, text"'),
  fc.string({ unit: "grapheme-ascii", maxLength: 12 }).map((text) => text.trim()),
);
const blanks = fc.constantFrom("", " ", "\t", "  \t");
const field = fc.tuple(name, blanks, value, blanks).map(([n, before, v, after]) => `${n}:${before}${v}${after}`);
const body = fc.string({ unit: "binary-ascii", maxLength: 40 });
const target = fc.constantFrom(
  "/",
  "/v1/traces",
  "/v1/logs?a=b%20c&d",
  "//x",
  "http://h/v1/traces",
  "HTTPS://h:1/?x",
  "*",
);
const method = fc.constantFrom("POST", "POST", "POST", "GET", "OPTIONS", "PUT", "DELETE", "PATCH", "HEAD");
const ending = fc.constantFrom("", "Connection: close", "Connection: keep-alive", "Connection: te, Close");

interface Parts {
  readonly line: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** A length, or chunks with extensions and trailers. */
const framed = fc
  .record({
    text: body,
    how: fc.constantFrom("length", "length", "chunks", "none"),
    sizes: fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 4 }),
    extension: fc.constantFrom("", "", ";a", ";a=b", ';a="b;c"'),
    trailers: fc.constantFrom("", "", "X-T: 1\r\n", "X-T:\r\nX-Content-Length: 3\r\n"),
    zeros: fc.constantFrom("", "0", "000"),
  })
  .map(({ text, how, sizes, extension, trailers, zeros }) => {
    if (how === "none") return { fields: [], body: "" };
    if (how === "length") return { fields: [`Content-Length: ${text.length}`], body: text };
    let chunks = "";
    let at = 0;
    for (const size of [...sizes, 1_000]) {
      const part = text.slice(at, at + size);
      at += size;
      if (part !== "") chunks += `${zeros}${part.length.toString(16)}${extension}\r\n${part}\r\n`;
    }
    return { fields: ["Transfer-Encoding: chunked"], body: `${chunks}0${extension}\r\n${trailers}\r\n` };
  });

const request: fc.Arbitrary<Parts> = fc
  .record({ method, target, fields: fc.array(field, { maxLength: 4 }), framing: framed, ending })
  .map(({ method: verb, target: path, fields, framing, ending: last }) => ({
    line: `${verb} ${path} HTTP/1.1`,
    fields: ["Host: x", ...fields, ...framing.fields, ...(last === "" ? [] : [last])],
    body: framing.body,
  }));

function written({ line, fields, body: bytes }: Parts): string {
  return `${[line, ...fields].join("\r\n")}\r\n\r\n${bytes}`;
}

type Change = (parts: Parts) => Parts;
const more =
  (...fields: readonly string[]): Change =>
  (parts) => ({ ...parts, fields: [...parts.fields, ...fields] });
const line =
  (change: (before: string) => string): Change =>
  (parts) => ({ ...parts, line: change(parts.line) });

/** What both refuse. */
const BROKEN: readonly Change[] = [
  more("Content-Length: 1", "Content-Length: 1"),
  more("Content-Length: 1", "Transfer-Encoding: chunked"),
  more("Content-Length: +1"),
  more("Content-Length: 1, 1"),
  more("Content-Length: 0x1"),
  more("Content-Length: -1"),
  more("Content-Length: 99999999999999999999"),
  more("X Y: z"),
  more("X : z"),
  more(": z"),
  more("X: a\u0000b"),
  more("X: a\u007fb"),
  more("X: a\rb"),
  more("X\u00e9: b"),
  line((before) => before.replace("HTTP/1.1", "HTTP/1.2")),
  line((before) => before.replace("HTTP/1.1", "http/1.1")),
  line((before) => before.replace("/1.1", "/1.10")),
  line((before) => before.toLowerCase()),
  line((before) => `G${before}`),
  line((before) => before.replace(" ", "\t")),
  line((before) => before.replace(/ [^ ]* /u, " x ")),
];

/** Requests of which the last may be one that both refuse, and is nothing but that. */
export const TAME: fc.Arbitrary<string> = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 4 }),
    change: fc.option(fc.constantFrom(...BROKEN)),
  })
  .map(({ requests, change }) => {
    const [first = { line: "POST / HTTP/1.1", fields: ["Host: x"], body: "" }] = requests;
    const plain: Parts = {
      ...first,
      fields: first.fields.filter((text) => !/^(?:content-length|transfer-)/iu.test(text)),
      body: "",
    };
    return requests.map(written).join("") + (change === null ? "" : written(change(plain)));
  });

/** Whatever a change of bytes makes of requests: taken out, put in, turned into others, cut off. */
export const WILD: fc.Arbitrary<string> = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 3 }),
    changes: fc.array(
      fc.record({
        at: fc.nat(400),
        drop: fc.constantFrom(0, 1, 1, 2),
        put: fc.oneof(
          fc.constantFrom("", " ", "\r", "\n", "\r\n", "\t", ":", ";", "0", "1", "x", "\u0000", "\u00e9", ",", "\r\n "),
          fc.constantFrom(
            "Transfer-Encoding: chunked\r\n",
            "Content-Length: 3\r\n",
            "0\r\n\r\n",
            "Host: y\r\n",
            "Expect: 100-continue\r\n",
          ),
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ requests, changes }) => {
    let bytes = requests.map(written).join("");
    for (const { at, drop, put } of changes) {
      const place = at % (bytes.length + 1);
      bytes = bytes.slice(0, place) + put + bytes.slice(place + drop);
    }
    return bytes;
  });
