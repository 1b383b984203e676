import type { ChangeOutcome } from "../control/apply.ts";
import { Unreachable } from "../core/unreachable.ts";
import { etagOf } from "./if-match.ts";
import { malformedReply } from "./parse-body.ts";
import { problemReply } from "./problem-details.ts";
import { errorAt, problemList, problemsReply } from "./problem-list.ts";
import type { AdminReply } from "./route.ts";

/** The statuses that a change may be answered with besides 200. */
export const CHANGE_STATUSES = [400, 404, 408, 409, 412, 413, 415, 422, 429, 503] as const;

/** What came of a change. `noun` is what an id that is not there, or there already, is of. */
export function changeReply(outcome: ChangeOutcome, noun: string): AdminReply {
  switch (outcome.kind) {
    case "applied":
    case "unchanged":
      return appliedReply(outcome);
    case "invalid":
      return problemsReply(422, "the config would have problems; nothing was changed", outcome.problems);
    case "failed":
      return problemsReply(422, "the config could not be taken over; nothing was changed", [
        errorAt("", outcome.reason),
      ]);
    case "malformed":
      return malformedReply(outcome.problems);
    case "conflict":
      return problemReply(412, outcome.reason, { more: { hint: outcome.hint } });
    case "unknown":
      return problemReply(404, `there is no ${noun} ${outcome.id}`);
    case "exists":
      return problemReply(409, `the ${noun} ${outcome.id} is there already; change it with PUT`);
    case "unrouted":
      return problemReply(409, "items that have a way now would have none; nothing was changed", {
        more: { hint: "force it with ?force=true if that is meant", problems: problemList(outcome.problems) },
      });
    case "stopping":
      return problemReply(503, "the node stops; nothing was changed");
    case "unwritable":
      return problemReply(409, `${outcome.reason}; nothing was changed`);
    default:
      throw new Unreachable(outcome);
  }
}

function appliedReply(outcome: Extract<ChangeOutcome, { readonly kind: "applied" | "unchanged" }>): AdminReply {
  const { version, digest, warnings } = outcome;
  const news = outcome.kind === "applied" ? outcome : { changed: [], restartRequired: [], leaving: [] };
  const body = {
    version,
    digest,
    changed: news.changed,
    warnings: problemList(warnings),
    restart_required: news.restartRequired,
    removed_pools: news.leaving.map(({ pool, items, bytes }) => ({
      name: pool,
      queued_items: items,
      queued_bytes: bytes,
    })),
  };
  return { status: 200, body, headers: { etag: etagOf(version) } };
}
