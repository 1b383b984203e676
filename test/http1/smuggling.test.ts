import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpFault } from "../../src/http1/own/contract.ts";
import { head, Rig, whole } from "./rig.ts";

const CHUNKED = "Transfer-Encoding: chunked";
/** What an attacker would have taken for a request of its own. */
const HIDDEN = whole("", ["X: hidden"]).replace("/v1/traces", "/hidden");
const LINE = "POST /v1/traces HTTP/1.1\r\n";

interface Trick {
  readonly name: string;
  readonly bytes: string;
  readonly fault: HttpFault;
  readonly status?: number;
}

/** Each is refused, whatever comes behind it: the published ways to make two servers disagree. */
const TRICKS: readonly Trick[] = [
  {
    name: "CL.TE: a content-length beside chunks",
    bytes: head(["Content-Length: 6", CHUNKED]) + "0\r\n\r\nG",
    fault: "bad_length",
  },
  {
    name: "TE.CL: chunks beside a content-length",
    bytes: head([CHUNKED, "Content-Length: 4"]) + `5c\r\n${"x".repeat(0x5c)}\r\n0\r\n\r\n`,
    fault: "bad_length",
  },
  {
    name: "CL.0: a body whose length is left out is the next request",
    bytes: `${head()}GARBAGE\r\n\r\n`,
    fault: "bad_request_line",
  },
  {
    name: "content-length twice",
    bytes: `${head(["Content-Length: 3", "Content-Length: 4"])}abcd`,
    fault: "bad_length",
  },
  {
    name: "content-length twice, the same",
    bytes: `${head(["Content-Length: 3", "Content-Length: 3"])}abc`,
    fault: "bad_length",
  },
  { name: "content-length as a list", bytes: `${head(["Content-Length: 3, 3"])}abc`, fault: "bad_length" },
  { name: "content-length with a sign", bytes: `${head(["Content-Length: +3"])}abc`, fault: "bad_length" },
  { name: "content-length below zero", bytes: `${head(["Content-Length: -1"])}abc`, fault: "bad_length" },
  { name: "content-length in hexadecimal", bytes: `${head(["Content-Length: 0x3"])}abc`, fault: "bad_length" },
  { name: "content-length with a point", bytes: `${head(["Content-Length: 3.0"])}abc`, fault: "bad_length" },
  {
    name: "content-length with an underscore",
    bytes: `${head(["Content-Length: 1_0"])}0123456789`,
    fault: "bad_length",
  },
  { name: "content-length with a space within", bytes: `${head(["Content-Length: 1 2"])}abc`, fault: "bad_length" },
  { name: "an empty content-length", bytes: `${head(["Content-Length: "])}abc`, fault: "bad_length" },
  {
    name: "content-length above what is counted exactly",
    bytes: head(["Content-Length: 18446744073709551620"]),
    fault: "bad_length",
  },
  {
    name: "TE.TE: an encoding that is none",
    bytes: `${head(["Transfer-Encoding: xchunked"])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  { name: "TE.TE: chunked twice", bytes: `${head([CHUNKED, CHUNKED])}0\r\n\r\n`, fault: "bad_transfer_encoding" },
  {
    name: "TE.TE: chunked and something else behind it",
    bytes: `${head([CHUNKED, "Transfer-Encoding: x"])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  {
    name: "TE.TE: identity before chunked",
    bytes: `${head(["Transfer-Encoding: identity, chunked"])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  {
    name: "TE.TE: chunked with a parameter",
    bytes: `${head(["Transfer-Encoding: chunked;a=b"])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  {
    name: "TE.TE: chunked in quotes",
    bytes: `${head(['Transfer-Encoding: "chunked"'])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  {
    name: "TE.TE: an empty encoding",
    bytes: `${head(["Transfer-Encoding:"])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  {
    name: "TE.TE: a vertical tab before chunked",
    bytes: `${head(["Transfer-Encoding: \u000bchunked"])}0\r\n\r\n`,
    fault: "bad_header",
  },
  {
    name: "TE.TE: a space before the colon",
    bytes: `${head(["Transfer-Encoding : chunked"])}0\r\n\r\n`,
    fault: "bad_header",
  },
  {
    name: "TE.TE: a tab before the colon",
    bytes: `${head(["Transfer-Encoding\t: chunked"])}0\r\n\r\n`,
    fault: "bad_header",
  },
  {
    name: "TE.TE: a header that is continued",
    bytes: `${head(["Transfer-Encoding:", " chunked"])}0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  {
    name: "TE.TE: a space before the name",
    bytes: `${head(["X: y", " Transfer-Encoding: chunked"])}0\r\n\r\n`,
    fault: "bad_header",
  },
  {
    name: "TE.TE: a name with a byte of 0",
    bytes: `${head(["Transfer-Encoding\u0000: chunked"])}0\r\n\r\n`,
    fault: "bad_header",
  },
  {
    name: "chunks in a request of HTTP/1.0",
    bytes: `POST / HTTP/1.0\r\n${CHUNKED}\r\n\r\n0\r\n\r\n`,
    fault: "bad_transfer_encoding",
  },
  { name: "a first header that is continued", bytes: `${LINE} Host: x\r\n\r\n`, fault: "bad_header" },
  { name: "a header that is continued with a tab", bytes: head(["X: y", "\tz"]), fault: "bad_header" },
  { name: "LF alone behind the first line", bytes: "POST / HTTP/1.1\nHost: x\r\n\r\n", fault: "bad_request_line" },
  { name: "LF alone behind a header", bytes: `${LINE}Host: x\n\r\n`, fault: "bad_header" },
  { name: "LF alone at the end of the head", bytes: `${LINE}Host: x\r\n\n`, fault: "bad_header" },
  { name: "CR alone within a value, as a line end", bytes: head([`X: y\r${CHUNKED}`]), fault: "bad_header" },
  { name: "CR alone in the first line", bytes: "POST /\rX HTTP/1.1\r\nHost: x\r\n\r\n", fault: "bad_request_line" },
  { name: "two CR before LF", bytes: `${LINE}Host: x\r\r\n\r\n`, fault: "bad_header" },
  { name: "a value with a byte of 0", bytes: head(["X: a\u0000b"]), fault: "bad_header" },
  { name: "a value with DEL", bytes: head(["X: a\u007fb"]), fault: "bad_header" },
  { name: "a header without a colon", bytes: head(["X"]), fault: "bad_header" },
  { name: "a header without a name", bytes: head([": x"]), fault: "bad_header" },
  { name: "a name with a space", bytes: head(["X Y: z"]), fault: "bad_header" },
  { name: "a name in brackets", bytes: head(["(X): z"]), fault: "bad_header" },
  { name: "a name beyond ASCII", bytes: head(["X\u00e9: z"]), fault: "bad_header" },
  { name: "two hosts", bytes: head(["Host: y"]), fault: "bad_host" },
  { name: "the same host twice", bytes: head(["Host: x"]), fault: "bad_host" },
  { name: "no host in HTTP/1.1", bytes: `${LINE}X: y\r\n\r\n`, fault: "bad_host" },
  { name: "a host with a path", bytes: `${LINE}Host: x/y\r\n\r\n`, fault: "bad_host" },
  { name: "a host with user information", bytes: `${LINE}Host: a@x\r\n\r\n`, fault: "bad_host" },
  { name: "two hosts in one header", bytes: `${LINE}Host: x, y\r\n\r\n`, fault: "bad_host" },
  { name: "two spaces before the target", bytes: head([], "POST  / HTTP/1.1"), fault: "bad_request_line" },
  { name: "two spaces before the version", bytes: head([], "POST /  HTTP/1.1"), fault: "bad_request_line" },
  { name: "a tab for a space", bytes: head([], "POST\t/\tHTTP/1.1"), fault: "bad_request_line" },
  { name: "a space within the target", bytes: head([], "POST /a b HTTP/1.1"), fault: "bad_request_line" },
  { name: "a space behind the version", bytes: head([], "POST / HTTP/1.1 "), fault: "bad_request_line" },
  { name: "a first line without a version", bytes: head([], "POST /"), fault: "bad_request_line" },
  { name: "HTTP/0.9", bytes: head([], "GET / HTTP/0.9"), fault: "bad_request_line" },
  { name: "HTTP/1.2", bytes: head([], "GET / HTTP/1.2"), fault: "bad_request_line" },
  { name: "HTTP/2.0 in a first line", bytes: head([], "POST / HTTP/2.0"), fault: "bad_request_line" },
  { name: "a version in lower case", bytes: head([], "POST / http/1.1"), fault: "bad_request_line" },
  { name: "a version with two digits", bytes: head([], "POST / HTTP/1.10"), fault: "bad_request_line" },
  { name: "a method in lower case", bytes: head([], "post / HTTP/1.1"), fault: "bad_request_line" },
  { name: "a method that is none", bytes: head([], "GPOST / HTTP/1.1"), fault: "bad_request_line" },
  { name: "CONNECT with an authority", bytes: head([], "CONNECT x:443 HTTP/1.1"), fault: "bad_request_line" },
  { name: "a target without a slash", bytes: head([], "POST v1/traces HTTP/1.1"), fault: "bad_request_line" },
  { name: "a target with another scheme", bytes: head([], "POST ftp://x/ HTTP/1.1"), fault: "bad_request_line" },
  { name: "a target with user information", bytes: head([], "POST http://a@x/ HTTP/1.1"), fault: "bad_request_line" },
  { name: "a target with a fragment", bytes: head([], "POST /#x HTTP/1.1"), fault: "bad_request_line" },
  { name: "a target beyond ASCII", bytes: head([], "POST /\u00e9 HTTP/1.1"), fault: "bad_request_line" },
  { name: "a target with a control character", bytes: head([], "POST /\u0001 HTTP/1.1"), fault: "bad_request_line" },
  { name: "two empty lines before a request", bytes: `\r\n\r\n${whole("")}`, fault: "bad_request_line" },
  { name: "LF alone before a request", bytes: `\n${whole("")}`, fault: "bad_request_line" },
  { name: "a chunk's size with 0x", bytes: `${head([CHUNKED])}0x3\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "a chunk's size with a plus", bytes: `${head([CHUNKED])}+3\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "a chunk's size with a minus", bytes: `${head([CHUNKED])}-3\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "a space before a chunk's size", bytes: `${head([CHUNKED])} 3\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "a space behind a chunk's size", bytes: `${head([CHUNKED])}3 \r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  {
    name: "a tab before a chunk's extension",
    bytes: `${head([CHUNKED])}3\t;a\r\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  {
    name: "a chunk's size that overflows",
    bytes: `${head([CHUNKED])}100000003\r\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  {
    name: "a chunk's size of 2^64 and 3",
    bytes: `${head([CHUNKED])}10000000000000003\r\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  {
    name: "a chunk's size with zeros before it beyond 8 digits",
    bytes: `${head([CHUNKED])}000000003\r\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  { name: "an empty chunk's size", bytes: `${head([CHUNKED])}\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "an extension without a size", bytes: `${head([CHUNKED])};a\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "a chunk's size with an underscore", bytes: `${head([CHUNKED])}1_0\r\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "LF alone behind a chunk's size", bytes: `${head([CHUNKED])}3\nabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  { name: "CR alone behind a chunk's size", bytes: `${head([CHUNKED])}3\rabc\r\n0\r\n\r\n`, fault: "bad_chunk" },
  {
    name: "TERM.EXT: LF alone within a chunk's extension",
    bytes: `${head([CHUNKED])}3;\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  {
    name: "EXT.TERM: CR alone within a chunk's extension",
    bytes: `${head([CHUNKED])}3;a\rb\r\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  {
    name: "a chunk's extension with a byte of 0",
    bytes: `${head([CHUNKED])}3;\u0000\r\nabc\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  { name: "TERM.SPILL: LF alone behind a chunk", bytes: `${head([CHUNKED])}3\r\nabc\n0\r\n\r\n`, fault: "bad_chunk" },
  {
    name: "SPILL.TERM: a chunk that is longer than its size",
    bytes: `${head([CHUNKED])}3\r\nabcde\r\n0\r\n\r\n`,
    fault: "bad_chunk",
  },
  { name: "a chunk without a line end", bytes: `${head([CHUNKED])}3\r\nabc0\r\n\r\n`, fault: "bad_chunk" },
  { name: "CR alone behind a chunk", bytes: `${head([CHUNKED])}3\r\nabc\r0\r\n\r\n`, fault: "bad_chunk" },
  { name: "a last chunk with LF alone", bytes: `${head([CHUNKED])}0\n\r\n`, fault: "bad_chunk" },
  { name: "LF alone behind the trailers", bytes: `${head([CHUNKED])}0\r\n\n`, fault: "bad_trailer" },
  {
    name: "a trailer with a space before the colon",
    bytes: `${head([CHUNKED])}0\r\nX : y\r\n\r\n`,
    fault: "bad_trailer",
  },
  { name: "a trailer that is continued", bytes: `${head([CHUNKED])}0\r\nX: y\r\n z\r\n\r\n`, fault: "bad_trailer" },
  { name: "a trailer with CR alone", bytes: `${head([CHUNKED])}0\r\nX: y\rZ: 1\r\n\r\n`, fault: "bad_trailer" },
  {
    name: "a length among the trailers",
    bytes: `${head([CHUNKED])}0\r\nContent-Length: 3\r\n\r\n`,
    fault: "bad_trailer",
  },
  {
    name: "an encoding among the trailers",
    bytes: `${head([CHUNKED])}0\r\nTransfer-Encoding: chunked\r\n\r\n`,
    fault: "bad_trailer",
  },
  { name: "a host among the trailers", bytes: `${head([CHUNKED])}0\r\nHost: y\r\n\r\n`, fault: "bad_trailer" },
  { name: "a trailer without a colon", bytes: `${head([CHUNKED])}0\r\nX\r\n\r\n`, fault: "bad_trailer" },
];

/** The same, whether it comes at once or byte by byte; and nothing behind it is read. */
for (const { name, bytes, fault, status = 400 } of TRICKS) {
  test(`refused: ${name}`, () => {
    for (const pieceBytes of [Infinity, 1]) {
      const rig = new Rig();
      rig.send(whole("first") + bytes + HIDDEN + HIDDEN, pieceBytes);
      assert.deepEqual(rig.faults, [fault]);
      assert.equal(rig.connection.done, true);
      const [first, ...others] = rig.requests;
      assert.deepEqual([first?.body, first?.end], ["first", "whole"]);
      assert.ok(others.every(({ target }) => target !== "/hidden"));
      assert.equal(rig.statuses.at(-1), status);
      assert.match(rig.output, /\r\nConnection: close\r\n(?:[^\r]+\r\n)*\r\n$/u);
    }
  });
}
