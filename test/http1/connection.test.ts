import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KnownHeads } from "../../src/http1/own/known-head.ts";
import { MAX_DISCARD_BYTES } from "../../src/http1/port.ts";
import { WaitingBytes } from "../../src/http1/own/waiting-bytes.ts";
import { head, LIMITS, Rig, whole } from "./rig.ts";

const CHUNKED = "Transfer-Encoding: chunked";

interface Taken {
  readonly name: string;
  readonly bytes: string;
  readonly body?: string;
  readonly target?: string;
  readonly method?: string;
}

const TAKEN: readonly Taken[] = [
  { name: "a body with its length", bytes: whole("abc"), body: "abc" },
  { name: "a request without a length has no body", bytes: head() },
  { name: "a length with zeros before it", bytes: `${head(["Content-Length: 003"])}abc`, body: "abc" },
  { name: "chunks", bytes: `${head([CHUNKED])}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`, body: "abcde" },
  { name: "chunked in any case", bytes: `${head(["TRANSFER-ENCODING: Chunked"])}1\r\na\r\n0\r\n\r\n`, body: "a" },
  { name: "no chunk but the last", bytes: `${head([CHUNKED])}0\r\n\r\n`, body: "" },
  {
    name: "a chunk's size in capitals, with zeros before it",
    bytes: `${head([CHUNKED])}0000000A\r\n0123456789\r\n00\r\n\r\n`,
    body: "0123456789",
  },
  {
    name: "extensions of chunks are thrown away",
    bytes: `${head([CHUNKED])}1;a=b;c="d;e"\r\na\r\n0;last\r\n\r\n`,
    body: "a",
  },
  {
    name: "trailers are read and thrown away",
    bytes: `${head([CHUNKED])}1\r\na\r\n0\r\nX-Content-Length: 9\r\nX:\r\n\r\n`,
    body: "a",
  },
  { name: "blanks about a value", bytes: head(["Content-Length: \t 3 \t"]) + "abc", body: "abc" },
  { name: "an empty value", bytes: head(["X:", "Content-Length: 1"]) + "a", body: "a" },
  { name: "bytes above 127 in a value", bytes: head(["X: \u00e9\u00ff", "Content-Length: 1"]) + "a", body: "a" },
  {
    name: "every character of a name",
    bytes: head(["!#$%&'*+-.^_`|~09azAZ: x", "Content-Length: 1"]) + "a",
    body: "a",
  },
  { name: "an empty line before a request", bytes: `\r\n${whole("a")}`, body: "a" },
  { name: "a target with a query", bytes: head([], "POST /v1/traces?a=b%20c HTTP/1.1"), target: "/v1/traces?a=b%20c" },
  {
    name: "a target of the absolute form",
    bytes: head([], "POST http://x:1/v1/traces HTTP/1.1"),
    target: "http://x:1/v1/traces",
  },
  { name: "the target of OPTIONS for all", bytes: head([], "OPTIONS * HTTP/1.1"), method: "OPTIONS", target: "*" },
  { name: "an empty host", bytes: "POST /v1/traces HTTP/1.1\r\nHost:\r\n\r\n" },
  { name: "a host that is an IPv6 address with a port", bytes: "POST /v1/traces HTTP/1.1\r\nHost: [::1]:4318\r\n\r\n" },
];

for (const { name, bytes, body = "", target = "/v1/traces", method = "POST" } of TAKEN) {
  test(`taken: ${name}`, () => {
    for (const pieceBytes of [Infinity, 1, 7]) {
      const rig = new Rig();
      rig.send(bytes + bytes, pieceBytes);
      const seen = rig.requests.map((one) => [one.method, one.target, one.body, one.end]);
      assert.deepEqual(seen, [
        [method, target, body, "whole"],
        [method, target, body, "whole"],
      ]);
      assert.deepEqual([rig.statuses, rig.faults, rig.connection.done], [[200, 200], [], false]);
    }
  });
}

for (const [name, bytes] of [
  ["HTTP/1.0", "POST / HTTP/1.0\r\n\r\n"],
  ["Connection: close", head(["Connection: close"])],
  ["close among others", head(["Connection: te, Close"])],
  ["close in a second header", head(["Connection: keep-alive", "Connection: close"])],
] as const) {
  test(`${name}: the reply closes the connection, and nothing behind it is read`, () => {
    const rig = new Rig();
    rig.send(bytes + whole("hidden"));
    assert.deepEqual([rig.requests.length, rig.statuses, rig.connection.done], [1, [200], true]);
    assert.match(rig.output, /\r\nConnection: close\r\n/u);
  });
}

test("HTTP/1.0 with keep-alive: the connection goes on", () => {
  const rig = new Rig();
  rig.send("POST / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n".repeat(2));
  assert.deepEqual([rig.statuses, rig.connection.done], [[200, 200], false]);
  assert.match(rig.output, /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=120\r\n/u);
});

test("whatever is sent, and however it is split, the same is read of it", () => {
  const body = fc.string({ unit: "binary-ascii", maxLength: 60 });
  const request = fc.record({
    body,
    isChunked: fc.boolean(),
    sizes: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
  });
  const written = request.map(({ body: text, isChunked, sizes }) => {
    if (!isChunked) return { text, bytes: whole(text, ["X: y"]) };
    let at = 0;
    let chunks = "";
    for (const size of [...sizes, 100]) {
      const part = text.slice(at, at + size);
      if (part !== "") chunks += `${part.length.toString(16)}\r\n${part}\r\n`;
      at += size;
    }
    return { text, bytes: `${head([CHUNKED])}${chunks}0\r\n\r\n` };
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(written, { minLength: 1, maxLength: 6 }), cuts, (requests, sizes) => {
      const rig = new Rig();
      const all = requests.map(({ bytes }) => bytes).join("");
      for (let at = 0, i = 0; at < all.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        rig.send(all.slice(at, at + size));
        at += size;
      }
      assert.deepEqual(
        rig.requests.map((one) => one.body),
        requests.map(({ text }) => text),
      );
      assert.equal(rig.statuses.length, requests.length);
    }),
  );
});

test("a head that came before is known, whatever its length is now, and one that differs is not", () => {
  const heads = new KnownHeads();
  const same = new Rig({ heads });
  same.send(whole("abc") + whole("0123456789") + whole("") + whole("abc", ["X: y"]) + whole("abc").replace("x", "y"));
  const [first, second, third, more, other] = same.asked;
  assert.ok(first !== undefined && second !== undefined && first.memo === second.memo && first.memo === third?.memo);
  assert.ok(first.memo !== more?.memo && first.memo !== other?.memo);
  assert.deepEqual(
    same.requests.map((one) => one.length),
    [3, 10, 0, 3, 3],
  );
  assert.deepEqual([first.header("content-length"), second.header("content-length")], ["3", "10"]);
  assert.deepEqual([first.header("x"), more?.header("x"), other?.header("host")], [undefined, "y", "y"]);
  const another = new Rig({ heads });
  another.send(whole("abc").replace("x", "y"));
  assert.equal(another.asked[0]?.memo, other?.memo);
  for (const length of ["3x", "", "1000000000000000"]) {
    const wrong = new Rig({ heads });
    wrong.send(whole("abc").replace("x", "y").replace("Length: 3", `Length: ${length}`));
    assert.deepEqual(wrong.faults, ["bad_length"]);
  }
});

test("replies go out in the order of the requests, whichever is done first", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole("a") + whole("b") + whole("c"));
  rig.answer(2, 503);
  rig.answer(1, 429);
  assert.equal(rig.output, "");
  rig.answer(0);
  assert.deepEqual(rig.statuses, [200, 429, 503]);
});

test("what breaks the rules is answered behind all that came before it, once that has its replies", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(`${whole("a")}${whole("b")}NO\r\n`);
  assert.deepEqual([rig.statuses, rig.connection.done], [[], false]);
  rig.answer(1);
  rig.answer(0);
  assert.deepEqual([rig.statuses, rig.connection.done], [[200, 200, 400], true]);
});

test("a body that is broken half-way is told to who reads it, and its refusal is the last reply", () => {
  const rig = new Rig();
  rig.send(`${head([CHUNKED])}3\r\nabc\r\nNO\r\n`);
  assert.deepEqual([rig.requests[0]?.body, rig.requests[0]?.end], ["abc", "broken"]);
  assert.deepEqual([rig.statuses, rig.connection.done], [[400], true]);
});

test("a request that was answered by its head: a short rest is thrown away, a long one ends the connection", () => {
  const short = new Rig({ answers: "head" });
  short.send(whole("x".repeat(1_000)) + whole(""), 100);
  assert.deepEqual([short.statuses, short.connection.done], [[200, 200], false]);
  const long = [
    head([`Content-Length: ${MAX_DISCARD_BYTES + 1}`]),
    head([CHUNKED]),
    head(["Content-Length: 9", "Expect: 100-continue"]),
  ];
  for (const bytes of long) {
    const rig = new Rig({ answers: "head" });
    rig.send(bytes + whole(""));
    assert.deepEqual([rig.statuses, rig.connection.done, rig.requests.length], [[200], true, 1]);
  }
});

test("a body that is broken after its request was answered ends the connection without another reply", () => {
  const rig = new Rig({ answers: "head" });
  rig.send(head(["Content-Length: 9"]));
  rig.end();
  assert.deepEqual([rig.statuses, rig.faults, rig.connection.done], [[200], ["cut_off"], true]);
});

test("100 Continue is written for who waits for it, in its turn, and never after a reply", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole("a") + head(["Content-Length: 2", "Expect: 100-Continue"]));
  assert.equal(rig.output, "");
  rig.answer(0);
  assert.deepEqual(rig.statuses, [200, 100]);
  rig.send("ab");
  rig.answer(1);
  assert.deepEqual(rig.statuses, [200, 100, 200]);
  for (const none of [
    head(["Expect: 100-continue"]),
    "POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\na",
  ]) {
    const other = new Rig();
    other.send(none);
    assert.deepEqual(other.statuses, [200]);
  }
});

test("the reply to HEAD has no body, and that of its length", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(head([], "HEAD / HTTP/1.1"));
  rig.asked[0]?.reply({ status: 405, headers: ["Allow", "POST"], body: Buffer.from("no") }, "short");
  rig.flush();
  assert.match(rig.output, /^HTTP\/1\.1 405 Method Not Allowed\r\nAllow: POST\r\n[^]*Content-Length: 2\r\n\r\n$/u);
});

for (const [name, bytes] of [
  ["within the first line", "POST /v1"],
  ["within its head", "POST / HTTP/1.1\r\nHost: x\r\n"],
  ["within its body", head(["Content-Length: 3"])],
  ["within a chunk", `${head([CHUNKED])}3\r\na`],
  ["before the last chunk", `${head([CHUNKED])}1\r\na\r\n`],
  ["before the end of the trailers", `${head([CHUNKED])}0\r\n`],
] as const) {
  test(`a request that ends ${name} is refused`, () => {
    const rig = new Rig();
    rig.send(bytes);
    rig.end();
    assert.deepEqual([rig.faults, rig.statuses, rig.connection.done], [["cut_off"], [400], true]);
  });
}

test("draining and old connections are closed by the reply to the last request", () => {
  for (const options of [{ closesMs: 0 }, {}]) {
    const rig = new Rig({ answers: "late", ...options });
    rig.isDraining = true;
    rig.send(whole("a") + whole("b"));
    rig.answer(0);
    assert.doesNotMatch(rig.output, /Connection: close/u);
    rig.answer(1);
    assert.match(rig.output, /Connection: close/u);
    assert.equal(rig.connection.done, true);
  }
});

interface Bound {
  readonly name: string;
  readonly bytes: string;
  readonly isTaken: boolean;
  readonly fault?: string;
}

const lineOf = (bytes: number): string =>
  head([], `POST /${"a".repeat(bytes - "POST / HTTP/1.1\r\n".length)} HTTP/1.1`);
const fieldsOf = (count: number): string => head(Array.from({ length: count - 1 }, (_, i) => `X${i}: y`));
const headOf = (bytes: number): string => head([`X: ${"a".repeat(bytes - head(["X: "]).length)}`]);
const extensionOf = (bytes: number): string => `${head([CHUNKED])}1;${"a".repeat(bytes)}\r\na\r\n0\r\n\r\n`;
const trailersOf = (bytes: number): string =>
  `${head([CHUNKED])}0\r\nX:${"a".repeat(bytes - "X:\r\n\r\n".length)}\r\n\r\n`;

const BOUNDS: readonly Bound[] = [
  { name: "a first line of the limit", bytes: lineOf(8_192), isTaken: true },
  { name: "a longer first line", bytes: lineOf(8_193), isTaken: false, fault: "head_too_large" },
  { name: "a first line without an end", bytes: `POST /${"a".repeat(9_000)}`, isTaken: false, fault: "head_too_large" },
  { name: "as many headers as the limit", bytes: fieldsOf(100), isTaken: true },
  { name: "more headers", bytes: fieldsOf(101), isTaken: false, fault: "head_too_large" },
  { name: "a head of the limit", bytes: headOf(16_384), isTaken: true },
  { name: "a longer head", bytes: headOf(16_385), isTaken: false, fault: "head_too_large" },
  {
    name: "a head without an end",
    bytes: `POST / HTTP/1.1\r\nX: ${"a".repeat(17_000)}`,
    isTaken: false,
    fault: "head_too_large",
  },
  { name: "extensions of the limit", bytes: extensionOf(4_096), isTaken: true },
  { name: "longer extensions", bytes: extensionOf(4_097), isTaken: false, fault: "extensions_too_large" },
  { name: "trailers of the limit", bytes: trailersOf(8_192), isTaken: true },
  { name: "longer trailers", bytes: trailersOf(8_193), isTaken: false, fault: "trailers_too_large" },
];

for (const { name, bytes, isTaken, fault } of BOUNDS) {
  test(`${isTaken ? "taken" : "refused"}: ${name}`, () => {
    for (const pieceBytes of [Infinity, 1_000, 1]) {
      const rig = new Rig();
      rig.send(bytes, pieceBytes);
      assert.deepEqual([rig.statuses, rig.faults], isTaken ? [[200], []] : [[413], [fault]]);
    }
  });
}

test("beyond so many requests without a reply none begins: what one read brought waits, and is answered in its order", () => {
  const rig = new Rig({ answers: "late" });
  const bodies = Array.from({ length: 3 * LIMITS.maxRequests }, (_, i) => `body ${i}`);
  rig.send(bodies.map((body) => whole(body)).join(""));
  assert.deepEqual([rig.requests.length, rig.connection.wantsBytes], [LIMITS.maxRequests, false]);
  rig.send(whole("was on its way"));
  rig.isDraining = true;
  for (let i = 0; i <= bodies.length; i++) {
    assert.equal(rig.connection.done, false);
    rig.answer(i, i % 2 === 0 ? 200 : 503);
  }
  assert.deepEqual(
    rig.requests.map(({ body }) => body),
    [...bodies, "was on its way"],
  );
  assert.deepEqual([rig.statuses.length, rig.statuses.filter((status) => status === 503).length], [97, 48]);
  assert.deepEqual([rig.faults, rig.output.match(/Connection: close/gu)?.length, rig.connection.done], [[], 1, true]);
});

test("what waits has room in common with other connections; without any, what is behind so many requests is refused", () => {
  const many = whole("").repeat(LIMITS.maxRequests);
  const waiting = new WaitingBytes(2 * many.length);
  const rigs = Array.from({ length: 3 }, () => new Rig({ answers: "late", waiting }));
  for (const rig of rigs) rig.send(many + many);
  const [first, second, third] = rigs as [Rig, Rig, Rig];
  for (const rig of rigs) for (let i = 0; i < LIMITS.maxRequests; i++) rig.answer(i);
  assert.deepEqual([first.requests.length, first.faults, second.faults], [2 * LIMITS.maxRequests, [], []]);
  assert.deepEqual([third.statuses.length, third.statuses.at(-1)], [LIMITS.maxRequests + 1, 429]);
  assert.deepEqual([third.faults, third.connection.done], [["pipelined"], true]);
  second.connection.lost();
  const next = new Rig({ answers: "late", waiting });
  next.send(many + many + many);
  assert.deepEqual([next.faults, waiting.take(1)], [[], false], "all has been given back");
});

test("what had to wait is not begun while replies wait to be read, nor while a body is to wait", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole("").repeat(LIMITS.maxRequests + 2));
  rig.connection.setBlocked(true, rig.clock.nowMs());
  rig.answer(0);
  assert.equal(rig.requests.length, LIMITS.maxRequests);
  rig.connection.setBlocked(false, rig.clock.nowMs());
  rig.answer(1);
  assert.equal(rig.requests.length, LIMITS.maxRequests + 2);
  rig.send(whole("").repeat(LIMITS.maxRequests) + head(["Content-Length: 3"]));
  rig.connection.paused(true);
  rig.answer(2);
  assert.equal(rig.requests.length, LIMITS.maxRequests + 2);
  rig.connection.paused(false);
  rig.answer(3);
  assert.equal(rig.requests.length, LIMITS.maxRequests + 4);
});

test("a connection that drains does not close before what had to wait, when all before it are answered at once", () => {
  const rig = new Rig();
  rig.isDraining = true;
  rig.send(whole("").repeat(LIMITS.maxRequests + 1));
  assert.deepEqual([rig.statuses.length, rig.connection.done], [LIMITS.maxRequests + 1, true]);
});

test("the last request that may begin is read to its end, however many wait before it", () => {
  const rig = new Rig({ answers: "late" });
  rig.send(whole("").repeat(LIMITS.maxRequests - 1) + head(["Content-Length: 3"]));
  assert.equal(rig.connection.wantsBytes, true);
  rig.send("abc");
  assert.deepEqual([rig.requests.at(-1)?.end, rig.connection.wantsBytes], ["whole", false]);
});

test("nothing is read while a body is to wait", () => {
  const rig = new Rig();
  rig.send(head(["Content-Length: 3"]));
  rig.asked[0]?.pause();
  assert.equal(rig.connection.wantsBytes, false);
  rig.asked[0]?.resume();
  assert.equal(rig.connection.wantsBytes, true);
  rig.asked[0]?.pause();
  rig.send("abc"); // was on its way
  assert.deepEqual([rig.statuses, rig.connection.wantsBytes], [[200], true]);
});

test("what is no HTTP/1.1 at all is named", () => {
  const cases = [
    ["\u0016\u0003\u0001\u0002", "tls"],
    ["\u0016\u0003\u0001\u0002\r\n\u0000\n", "tls"], // each hello names extension 10, and more is by chance
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
    ["\u0000", "bad_request_line"],
  ] as const;
  for (const [bytes, fault] of cases) {
    const rig = new Rig();
    rig.send(bytes);
    assert.deepEqual([rig.faults, rig.statuses], [[fault], [400]]);
  }
});
