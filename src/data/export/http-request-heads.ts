import { allocBrief, textOwned } from "../../core/bytes.ts";
import { requestHeadText } from "../../http1/client/request-head.ts";
import { REPLY_ENCODINGS } from "../../otlp/inflate-reply.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { EncodedBody } from "./encode-body.ts";

/** What one head is made of. */
export interface HttpCallHead {
  readonly url: string;
  /** Of the signal, behind that of the URL. */
  readonly path: string;
  /** The same object for the same headers. */
  readonly headers: TargetPlan["headers"];
  readonly encoding: EncodedBody["encoding"];
  /** Of the body. */
  readonly bytes: number;
}

/** All of a head but its length. */
interface KnownFront extends Omit<HttpCallHead, "bytes" | "headers"> {
  readonly front: Buffer;
}

/**
 * Paths and encodings of one object of headers: OTLP has three of the one and three of the other.
 */
const MAX_KNOWN = 16;
const LENGTH_END = "\r\n\r\n";

/**
 * Heads of requests of one client. What does not change from call to call is written once for each
 * object of headers, which must not be changed any more.
 */
export class HttpRequestHeads {
  readonly #userAgent: string;
  readonly #contentType: string;
  readonly #known = new WeakMap<TargetPlan["headers"], KnownFront[]>();

  constructor(userAgent: string, contentType: string) {
    this.#userAgent = userAgent;
    this.#contentType = contentType;
  }

  /** To its empty line. For one call. Throws BadRequestHead. */
  head(request: HttpCallHead): Uint8Array {
    const { front } = this.#find(request);
    const length = `${request.bytes}${LENGTH_END}`;
    const head = allocBrief(front.length + length.length);
    head.set(front);
    head.write(length, front.length, "latin1");
    return head;
  }

  #find(request: HttpCallHead): KnownFront {
    const { url, path, headers, encoding } = request;
    let all = this.#known.get(headers);
    if (all === undefined) {
      all = [];
      this.#known.set(headers, all);
    }
    for (const known of all) if (known.url === url && known.path === path && known.encoding === encoding) return known;
    const made = { url, path, encoding, front: textOwned(this.#front(request), "latin1") };
    if (all.length < MAX_KNOWN) all.push(made);
    return made;
  }

  #front({ url, path, headers, encoding }: HttpCallHead): string {
    const { host, pathname } = new URL(url);
    const base = pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
    const fields = {
      ...headers,
      "content-type": this.#contentType,
      "user-agent": this.#userAgent,
      "accept-encoding": REPLY_ENCODINGS,
      ...(encoding !== "identity" && { "content-encoding": encoding }),
    };
    const target = `${base}${path}`;
    const text = requestHeadText({ method: "POST", target, host, connection: "keep-alive", headers: fields });
    return `${text}content-length: `;
  }
}
