import type { Breach, InboundHead } from "./contract.ts";
import { HOST, OCTETS } from "./octets.ts";
import type { RequestLine } from "./request-line.ts";

/** A length of more digits is no length of ours, whatever its value. */
const MAX_LENGTH_DIGITS = 15;
const DIGITS = /^[0-9]+$/u;

/** What the fields of one head say of its connection and its body: RFC 9112, 3.2, 6 and 9. */
export class HeadFacts {
  readonly #fields: string[] = [];
  #hosts = 0;
  /** -1: none was told. */
  #length = -1;
  #encodings = 0;
  #closes = false;
  #keepsAlive = false;
  #expects = false;

  /** Of the body; 0 without one, undefined for chunks. */
  get length(): number | undefined {
    if (this.#encodings > 0) return undefined;
    return Math.max(0, this.#length);
  }

  get count(): number {
    return this.#fields.length / 2;
  }

  /** `name` in lower case. */
  add(name: string, value: string): Breach | undefined {
    if (name === "content-length") return this.#addLength(value);
    this.#fields.push(name, value);
    switch (name) {
      case "host":
        this.#hosts++;
        return hostBreach(this.#hosts, value);
      case "transfer-encoding":
        this.#encodings++;
        return encodingBreach(this.#encodings, value);
      case "connection":
        this.#addOptions(value);
        return undefined;
      case "expect":
        this.#expects ||= value.toLowerCase() === "100-continue";
        return undefined;
      default:
        return undefined;
    }
  }

  /** All fields are there. */
  finish({ method, target, minor }: RequestLine): InboundHead | Breach {
    if (this.#encodings > 0 && this.#length >= 0)
      return { fault: "bad_length", message: "content-length and transfer-encoding in one request (RFC 9112, 6.1)" };
    if (this.#encodings > 0 && minor === 0)
      return { fault: "bad_transfer_encoding", message: "transfer-encoding in a request of HTTP/1.0 (RFC 9112, 6.1)" };
    if (this.#hosts === 0 && minor === 1)
      return { fault: "bad_host", message: "0 host headers: a request of HTTP/1.1 has one (RFC 9112, 3.2)" };
    return {
      method,
      target,
      fields: this.#fields,
      isChunked: this.#encodings > 0,
      expects: this.#expects && minor === 1,
      closes: this.#closes || (minor === 0 && !this.#keepsAlive),
      memo: { value: undefined },
    };
  }

  #addLength(value: string): Breach | undefined {
    if (this.#length >= 0) return { fault: "bad_length", message: "content-length twice (RFC 9112, 6.3)" };
    if (value.length > MAX_LENGTH_DIGITS || !DIGITS.test(value))
      return { fault: "bad_length", message: "content-length is not one number of at most 15 digits" };
    this.#length = Number(value);
    return undefined;
  }

  #addOptions(value: string): void {
    for (const option of value.toLowerCase().split(",")) {
      const name = option.trim();
      if (name === "close") this.#closes = true;
      else if (name === "keep-alive") this.#keepsAlive = true;
    }
  }
}

function hostBreach(hosts: number, value: string): Breach | undefined {
  if (hosts > 1)
    return { fault: "bad_host", message: `${hosts} host headers: a request of HTTP/1.1 has one (RFC 9112, 3.2)` };
  for (let i = 0; i < value.length; i++) {
    if ((OCTETS[value.charCodeAt(i)]! & HOST) === 0)
      return { fault: "bad_host", message: "host is no name or address with or without a port (RFC 9110, 7.2)" };
  }
  return undefined;
}

function encodingBreach(encodings: number, value: string): Breach | undefined {
  if (encodings === 1 && value.toLowerCase() === "chunked") return undefined;
  const message = "transfer-encoding is anything but chunked, once; compression goes into content-encoding";
  return { fault: "bad_transfer_encoding", message };
}
