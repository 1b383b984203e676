import { httpStatusOf, isContinue } from "../../headers.ts";
import { parseTimeout } from "../../timeout.ts";
import type { HeaderList } from "../contract.ts";
import { listedHeader } from "../header-list.ts";

/** What a server reads from the head of a request. */
export interface StreamRequestHead {
  readonly headers: HeaderList;
  /** Other than 200: it is not gRPC with protobuf. */
  readonly httpStatus: 200 | 405 | 415;
  readonly path: string;
  readonly encoding: string;
  readonly timeoutMs: number | undefined;
  /** `grpc-timeout`, when it is none. */
  readonly badTimeout: string | undefined;
  /** It waits for a word before it sends its body. */
  readonly expectsContinue: boolean;
}

/**
 * Reads heads, each distinct one once: HPACK gives the same list for the same block, and senders
 * repeat themselves (those that count down their timeout do not, and pay for the parsing).
 */
export class RequestHeads {
  readonly #known = new WeakMap<HeaderList, StreamRequestHead>();

  read(headers: HeaderList): StreamRequestHead {
    const known = this.#known.get(headers);
    if (known !== undefined) return known;
    const head = parse(headers);
    this.#known.set(headers, head);
    return head;
  }
}

function parse(headers: HeaderList): StreamRequestHead {
  const timeout = listedHeader(headers, "grpc-timeout");
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
  return {
    headers,
    httpStatus: httpStatusOf(listedHeader(headers, ":method"), listedHeader(headers, "content-type")),
    path: listedHeader(headers, ":path") ?? "",
    encoding: listedHeader(headers, "grpc-encoding") ?? "identity",
    timeoutMs,
    expectsContinue: isContinue(listedHeader(headers, "expect")),
    badTimeout: timeoutMs === undefined ? timeout : undefined,
  };
}
