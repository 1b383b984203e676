import type { Refusal } from "../../core/reason.ts";
import { RecentMap } from "../../core/recent-map.ts";
import type { HeaderPlan } from "../../plan/header-plan.ts";
import { hopsIn, pathIn } from "../../plan/hops.ts";
import { LINK_HEADERS, provenHeaders } from "../../plan/link-proof.ts";
import {
  type HeaderSource,
  NO_HEADERS,
  onlyHeaders,
  readSenderHeaders,
  type SenderHeaders,
} from "../../plan/sender-headers.ts";

/** What a request's sender said in its headers. */
export interface TakenHeaders {
  /** Rules are asked about these. */
  readonly all: SenderHeaders;
  /** Without credentials: these go along into the queues of most pools. */
  readonly plain: SenderHeaders;
  /** Over so many links between nodes of the fleet it has come. */
  readonly hops: number;
  /** And through these nodes, as far as they are told. */
  readonly path: readonly string[];
}

export const NO_TAKEN: TakenHeaders = { all: NO_HEADERS, plain: NO_HEADERS, hops: 0, path: [] };

/**
 * Of so many different sets of values the objects are kept, so that what is queued shares them; at
 * most twice as many.
 */
const SHARED = 1_000;

/** Reads those headers of requests that a plan asks about. */
export class HeaderIntake {
  /** Whether any is asked about: else nothing is read. */
  readonly wanted: boolean;
  /** Whether links between nodes of the fleet are counted. */
  readonly hasLinks: boolean;
  readonly #plan: HeaderPlan;
  readonly #shared = new RecentMap<TakenHeaders>(SHARED);

  constructor(plan: HeaderPlan) {
    this.#plan = plan;
    this.wanted = plan.read.length > 0;
    this.hasLinks = plan.linkKeys.length > 0;
  }

  take(source: HeaderSource): TakenHeaders | Refusal {
    const result = readSenderHeaders(source, this.#plan.read);
    if (!result.ok) return { reason: "bad_data", message: result.message, field: `headers.${result.name}` };
    const known = this.#shared.get(result.headers.key);
    if (known !== undefined) return known;
    const headers = provenHeaders(result.headers, this.#plan.linkKeys);
    const plain = onlyHeaders(headers, this.#plan.plain);
    const its = plain.key === headers.key ? headers : plain;
    const taken = { all: headers, plain: its, hops: hopsIn(headers), path: pathIn(headers) };
    this.#shared.set(result.headers.key, taken);
    return taken;
  }

  /** Before a request is taken: over so many links it has come. */
  linksOf(source: HeaderSource): number {
    const read = readSenderHeaders(source, LINK_HEADERS);
    return read.ok ? hopsIn(provenHeaders(read.headers, this.#plan.linkKeys)) : 0;
  }

  /** What goes along into the queue of this pool. */
  carriedInto(pool: string, { all, plain }: TakenHeaders): SenderHeaders {
    return all === plain || !this.#plan.trusted.has(pool) ? plain : all;
  }
}
