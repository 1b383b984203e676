import type { ReplyFault } from "../../src/http1/client/contract.ts";

export const CHUNKED = "Transfer-Encoding: chunked";

/** A reply with these lines of headers. */
export function replyOf(lines: readonly string[], body = "", line = "HTTP/1.1 200 OK"): string {
  return `${[line, ...lines, "", ""].join("\r\n")}${body}`;
}

export interface TakenReply {
  readonly name: string;
  readonly bytes: string;
  readonly body: string;
  readonly status?: number;
  /** The connection goes with it. */
  readonly last?: true;
  /** Its end is that of the connection. */
  readonly untilEnd?: true;
}

export const TAKEN: readonly TakenReply[] = [
  { name: "a body with its length", bytes: replyOf(["Content-Length: 3"], "abc"), body: "abc" },
  { name: "a length with zeros before it", bytes: replyOf(["Content-Length: 003"], "abc"), body: "abc" },
  { name: "no body", bytes: replyOf(["Content-Length: 0"]), body: "" },
  {
    name: "a length that is said twice",
    bytes: replyOf(["Content-Length: 3", "content-length:3"], "abc"),
    body: "abc",
  },
  { name: "a list of equal lengths", bytes: replyOf(["Content-Length: 3, 3"], "abc"), body: "abc" },
  {
    name: "chunks with extensions and trailers",
    bytes: replyOf([CHUNKED], '2;a="b;c"\r\nab\r\n001\r\nc\r\n0;x\r\nX-T: 1\r\n\r\n'),
    body: "abc",
  },
  { name: "chunked in any case", bytes: replyOf(["TRANSFER-ENCODING: Chunked"], "3\r\nabc\r\n0\r\n\r\n"), body: "abc" },
  {
    name: "chunks beside a length count, and end the connection",
    bytes: replyOf(["Content-Length: 99", CHUNKED], "3\r\nabc\r\n0\r\n\r\n"),
    body: "abc",
    last: true,
  },
  {
    name: "neither length nor chunks: all until the end",
    bytes: replyOf(["X: y"], "abc"),
    body: "abc",
    untilEnd: true,
  },
  {
    name: "204 has no body, whatever it says",
    bytes: replyOf(["Content-Length: 3"], "", "HTTP/1.1 204 No"),
    body: "",
    status: 204,
  },
  {
    name: "304 has no body, whatever it says",
    bytes: replyOf([CHUNKED], "", "HTTP/1.1 304 No"),
    body: "",
    status: 304,
  },
  { name: "no reason", bytes: replyOf(["Content-Length: 0"], "", "HTTP/1.1 503"), body: "", status: 503 },
  { name: "an empty reason", bytes: replyOf(["Content-Length: 0"], "", "HTTP/1.1 503 "), body: "", status: 503 },
  {
    name: "a reason beyond ASCII",
    bytes: replyOf(["Content-Length: 0"], "", "HTTP/1.1 400 \u00e9\tx"),
    body: "",
    status: 400,
  },
  { name: "an empty line before the status line", bytes: `\r\n${replyOf(["Content-Length: 1"], "a")}`, body: "a" },
  {
    name: "interim replies are passed over",
    bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nContent-Length: 9\r\n\r\n${replyOf(["Content-Length: 1"], "a")}`,
    body: "a",
  },
  {
    name: "as many interim replies as the limit",
    bytes: "HTTP/1.1 100 Continue\r\n\r\n".repeat(32) + replyOf(["Content-Length: 1"], "a"),
    body: "a",
  },
  {
    name: "Connection: close",
    bytes: replyOf(["Connection: te, Close", "Content-Length: 1"], "a"),
    body: "a",
    last: true,
  },
  { name: "HTTP/1.0 closes", bytes: replyOf(["Content-Length: 1"], "a", "HTTP/1.0 200 OK"), body: "a", last: true },
  {
    name: "HTTP/1.0 with keep-alive goes on",
    bytes: replyOf(["Connection: keep-alive", "Content-Length: 1"], "a", "HTTP/1.0 200 OK"),
    body: "a",
  },
  { name: "a head of the limit", bytes: ofLength(16_384), body: "" },
];

/** A head of so many bytes. */
function ofLength(bytes: number): string {
  const short = replyOf(["Content-Length: 0", "X: "]);
  return replyOf(["Content-Length: 0", `X: ${"x".repeat(bytes - short.length)}`]);
}

export interface RefusedReply {
  readonly name: string;
  readonly bytes: string;
  readonly fault: ReplyFault;
  /** What its status says holds all the same; undefined: it says nothing. */
  readonly status?: number;
}

const head = (...lines: string[]): string => replyOf(lines, "0123456789");
const line = (text: string): string => replyOf(["Content-Length: 0"], "", text);
const chunks = (body: string): string => replyOf([CHUNKED], body);
const inHead = (name: string, bytes: string, fault: ReplyFault): RefusedReply => ({ name, bytes, fault, status: 200 });
const inBody = (name: string, bytes: string, fault: ReplyFault = "bad_chunk"): RefusedReply => ({
  name,
  bytes: chunks(bytes),
  fault,
  status: 200,
});

/** Ways in which two readers may disagree where a reply ends: the published ones, as replies. */
export const REFUSED: readonly RefusedReply[] = [
  inHead("content-lengths that differ", head("Content-Length: 3", "Content-Length: 4"), "bad_length"),
  inHead("a list of lengths that differ", head("Content-Length: 3, 4"), "bad_length"),
  inHead("a length with a sign", head("Content-Length: +3"), "bad_length"),
  inHead("a length below zero", head("Content-Length: -1"), "bad_length"),
  inHead("a length in hexadecimal", head("Content-Length: 0x3"), "bad_length"),
  inHead("a length with a point", head("Content-Length: 3.0"), "bad_length"),
  inHead("a length with a space within", head("Content-Length: 1 2"), "bad_length"),
  inHead("an empty length", head("Content-Length:"), "bad_length"),
  inHead("a length above what is counted exactly", head("Content-Length: 18446744073709551620"), "bad_length"),
  inHead("an encoding that is none", head("Transfer-Encoding: xchunked"), "bad_transfer_encoding"),
  inHead("chunked twice", head(CHUNKED, CHUNKED), "bad_transfer_encoding"),
  inHead("chunked with something before it", head("Transfer-Encoding: gzip, chunked"), "bad_transfer_encoding"),
  inHead("chunked with something behind it", head("Transfer-Encoding: chunked, gzip"), "bad_transfer_encoding"),
  inHead("an empty encoding", head("Transfer-Encoding:"), "bad_transfer_encoding"),
  inHead("chunks in HTTP/1.0", replyOf([CHUNKED], "0\r\n\r\n", "HTTP/1.0 200 OK"), "bad_transfer_encoding"),
  inHead("an encoding with a vertical tab", head("Transfer-Encoding: \u000bchunked"), "bad_header"),
  inHead("a space before the colon", head("Content-Length : 3"), "bad_header"),
  inHead("a header that is continued", head("X: y", " Content-Length: 3"), "bad_header"),
  inHead("a first header that is continued", head(" Content-Length: 3"), "bad_header"),
  inHead("a header without a colon", head("X"), "bad_header"),
  inHead("a header without a name", head(": x"), "bad_header"),
  inHead("a name with a byte of 0", head("Content-Length\u0000: 3"), "bad_header"),
  inHead("a value with a byte of 0", head("X: a\u0000b"), "bad_header"),
  inHead("CR alone within a value", head("X: y\rContent-Length: 3"), "bad_header"),
  inHead("LF alone behind a header", "HTTP/1.1 200 OK\r\nX: y\nContent-Length: 3\r\n\r\nabc", "bad_header"),
  inHead("LF alone behind the status line", "HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\nabc", "bad_status_line"),
  inHead("LF alone at the end of the head", "HTTP/1.1 200 OK\r\nContent-Length: 3\n\nabc", "bad_header"),
  inHead("a longer head", ofLength(16_385), "head_too_large"),
  inHead("a head without an end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`, "head_too_large"),
  { name: "another protocol", bytes: "SSH-2.0-OpenSSH_9.2\r\n", fault: "bad_status_line" },
  { name: "a version of 2", bytes: line("HTTP/2.0 200 OK"), fault: "bad_status_line" },
  { name: "a version of 1.2", bytes: line("HTTP/1.2 200 OK"), fault: "bad_status_line" },
  { name: "a version in lower case", bytes: line("http/1.1 200 OK"), fault: "bad_status_line" },
  { name: "two spaces before the status", bytes: line("HTTP/1.1  200 OK"), fault: "bad_status_line" },
  { name: "a status of two digits", bytes: line("HTTP/1.1 20 OK"), fault: "bad_status_line" },
  inHead("no space behind the status", line("HTTP/1.1 200OK"), "bad_status_line"),
  { name: "a status of 600", bytes: line("HTTP/1.1 600 OK"), fault: "bad_status_line", status: 600 },
  { name: "a status with a sign", bytes: line("HTTP/1.1 +20 OK"), fault: "bad_status_line" },
  { name: "a status below 100", bytes: line("HTTP/1.1 099 OK"), fault: "bad_status_line" },
  { name: "a switch of protocols", bytes: line("HTTP/1.1 101 Switching"), fault: "bad_status_line" },
  {
    name: "two empty lines before the status line",
    bytes: `\r\n\r\n${line("HTTP/1.1 200 OK")}`,
    fault: "bad_status_line",
  },
  {
    name: "more interim replies",
    bytes: "HTTP/1.1 100 Continue\r\n\r\n".repeat(33) + line("HTTP/1.1 200 OK"),
    fault: "too_many_interim",
  },
  inBody("a chunk's size with 0x", "0x3\r\nabc\r\n0\r\n\r\n"),
  inBody("a chunk's size with a plus", "+3\r\nabc\r\n0\r\n\r\n"),
  inBody("a space behind a chunk's size", "3 \r\nabc\r\n0\r\n\r\n"),
  inBody("a chunk's size that overflows", "100000003\r\nabc\r\n0\r\n\r\n"),
  inBody("an empty chunk's size", "\r\nabc\r\n0\r\n\r\n"),
  inBody("LF alone behind a chunk's size", "3\nabc\r\n0\r\n\r\n"),
  inBody("a chunk that is longer than its size", "3\r\nabcd\r\n0\r\n\r\n"),
  inBody("LF alone behind a chunk", "3\r\nabc\n0\r\n\r\n"),
  inBody("LF alone within a chunk's extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"),
  inBody("longer extensions", `3;${"a".repeat(4_097)}\r\nabc\r\n0\r\n\r\n`, "extensions_too_large"),
  inBody("LF alone behind the trailers", "0\r\nX: y\n\r\n", "bad_trailer"),
  inBody("a trailer that is continued", "0\r\nX: y\r\n z\r\n\r\n", "bad_trailer"),
  inBody("a length among the trailers", "0\r\nContent-Length: 3\r\n\r\n", "bad_trailer"),
  inBody("longer trailers", `0\r\nX: ${"x".repeat(8_192)}\r\n\r\n`, "trailers_too_large"),
];

/** Each ends within it. */
export const CUT_OFF: Readonly<Record<string, string>> = {
  "within the status line": "HTTP/1.1 20",
  "within its head": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n",
  "within its body": replyOf(["Content-Length: 3"], "ab"),
  "within a chunk": chunks("3\r\nab"),
  "before the last chunk": chunks("3\r\nabc\r\n"),
  "before the end of the trailers": chunks("0\r\nX: y\r\n"),
};
