import type { BytesOwner } from "../../core/arena/extent.ts";
import type { Cancel } from "../../core/clock.ts";
import { RecentMap } from "../../core/recent-map.ts";
import { compress, type CompressResult, type Compression } from "../../otlp/compress.ts";
import { HOPS_HEADER, PATH_HEADER } from "../../plan/hops.ts";
import { PROOF_HEADER, proofOf } from "../../plan/link-proof.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { SendOutcome } from "../send-outcome.ts";
import type { Batch } from "./target-client.ts";

/** A request's body as it goes out. */
export interface EncodedBody {
  readonly pieces: readonly Uint8Array[];
  /** As that of a batch. */
  readonly owner?: BytesOwner | undefined;
  readonly bytes: number;
  readonly encoding: "identity" | Compression;
}

/** Below this, compression costs more than the bytes that it saves. */
const MIN_COMPRESSED_BYTES = 512;

/**
 * Compresses when asked to, then sends. Cancelled in between, nothing is sent; `done` is then told
 * so, not from within.
 */
export function encodeBody(
  batch: Batch,
  { compression, compressionLevel }: Pick<TargetPlan, "compression" | "compressionLevel">,
  done: (outcome: SendOutcome) => void,
  send: (body: EncodedBody) => Cancel,
): Cancel {
  const { pieces, bytes, owner, encoding = "protobuf" } = batch;
  if (encoding !== "protobuf") return send({ pieces, owner, bytes, encoding });
  if (compression === "none" || bytes < MIN_COMPRESSED_BYTES) {
    return send({ pieces, owner, bytes, encoding: "identity" });
  }
  let cancelled = false;
  let cancelSend: Cancel = () => void (cancelled = true);
  const end = (result: CompressResult): void => {
    if (cancelled) queueMicrotask(() => done(unsent("cancelled before it was sent")));
    else if (!result.ok) queueMicrotask(() => done(unsent(`it could not be compressed: ${result.message}`)));
    else
      cancelSend = send({
        pieces: [result.bytes],
        owner: undefined,
        bytes: result.bytes.length,
        encoding: compression,
      });
  };
  compress(compression, pieces, end, compressionLevel);
  return () => cancelSend();
}

function unsent(message: string): SendOutcome {
  return { kind: "retry", reason: "cancelled", message, unprocessed: true };
}

/**
 * Of so many different senders the headers are kept as they are sent, for each target; at most
 * twice as many.
 */
const KNOWN = 256;

/**
 * The headers of a target's calls: its own, and what it is passed on of a sender's; its own win,
 * but for the links. The same object for the same values, as long as the plan is the same,
 * so that what transports make of one is made once.
 */
export class PassedHeaders {
  #own: TargetPlan["headers"] = {};
  #known = new RecentMap<TargetPlan["headers"]>(KNOWN);

  of(
    { headers: own, linkKey }: TargetPlan,
    { headers: passed, hops = 0, path }: Pick<Batch, "headers" | "hops" | "path">,
  ): TargetPlan["headers"] {
    if (passed.values.length === 0 && hops === 0) return own;
    if (own !== this.#own) {
      this.#own = own;
      this.#known = new RecentMap(KNOWN);
    }
    const key = hops === 0 ? passed.key : `${hops} ${path ?? ""}\n${passed.key}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const merged = { ...Object.fromEntries(passed.values), ...own, ...linkHeaders(hops, path, linkKey) };
    this.#known.set(key, merged);
    return merged;
  }
}

function linkHeaders(hops: number, path = "", key: TargetPlan["linkKey"]): TargetPlan["headers"] {
  if (hops === 0) return {};
  const told = { [HOPS_HEADER]: String(hops), [PATH_HEADER]: path };
  return key === undefined ? told : { ...told, [PROOF_HEADER]: proofOf(key, String(hops), path) };
}
