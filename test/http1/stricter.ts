import { head } from "./rig.ts";

/** What node:http takes and ours does not, on purpose: docs/http1.md has the same list. */
export const STRICTER: Readonly<Record<string, string>> = {
  "a method beyond those of RFC 9110 and 5789": head([], "PROPFIND / HTTP/1.1"),
  "HTTP/2.0 in a first line": head([], "POST / HTTP/2.0"),
  "a target with a fragment": head([], "POST /#a HTTP/1.1"),
  "a target with user information": head([], "POST http://a@h/ HTTP/1.1"),
  "another scheme than http and https": head([], "POST ftp://h/ HTTP/1.1"),
  "two empty lines before a request": `\r\n\r\n${head()}`,
  "LF alone before a request": `\n${head()}`,
  "no host, with HTTP/1.1": "POST / HTTP/1.1\r\nX: y\r\n\r\n",
  "two hosts": head(["Host: x"]),
  "a host that is none": "POST / HTTP/1.1\r\nHost: a/b\r\n\r\n",
  "codings before chunked": `${head(["Transfer-Encoding: gzip, chunked"])}0\r\n\r\n`,
  "more than 100 headers": head(Array.from({ length: 100 }, (_, i) => `X${i}: y`)),
  "a first line of more than 8 KiB": head([], `POST /${"a".repeat(8_192)} HTTP/1.1`),
  "a chunk's size of more than 8 digits": `${head(["Transfer-Encoding: chunked"])}0000000001\r\na\r\n0\r\n\r\n`,
  "extensions of more than 4 KiB": `${head(["Transfer-Encoding: chunked"])}1;${"a".repeat(4_097)}\r\na\r\n0\r\n\r\n`,
  "trailers of more than 8 KiB": `${head(["Transfer-Encoding: chunked"])}0\r\nX:${"a".repeat(8_192)}\r\n\r\n`,
};
