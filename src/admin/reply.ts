import { STATUS_CODES } from "node:http";
import type { ChangeOutcome } from "../control/apply-outcome.ts";
import { RouterError } from "../core/errors.ts";
import { formatProblem, type Problem } from "../core/problem.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { AdminReply } from "./route.ts";

export const PROBLEM_TYPE = "application/problem+json";

/**
 * An error as RFC 9457 problem details: `title` is the status in words, `detail` says what happened
 * and how to mend it; `more` are members of its own.
 */
export function problemReply(status: number, detail: string, extra: ProblemExtra = {}): AdminReply {
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail, ...extra.more };
  return { status, body, type: PROBLEM_TYPE, headers: extra.headers ?? {} };
}

interface ProblemExtra {
  readonly headers?: Readonly<Record<string, string>>;
  readonly more?: object;
}

/** Problems for people and programs: each with `text`, the line that a command line would print. */
export function problemList(problems: readonly Problem[]): readonly object[] {
  return problems.map((problem) => ({ ...problem, text: formatProblem(problem) }));
}

/** 422, or another status, for what can be read and is wrong. */
export function problemsReply(status: number, detail: string, problems: readonly Problem[]): AdminReply {
  return problemReply(status, detail, { more: { problems: problemList(problems) } });
}

/** 400, with the place of the first problem in words. */
export function malformedReply(problems: readonly Problem[]): AdminReply {
  const [first] = problems;
  const at = first?.position === undefined ? "" : `line ${first.position.line}, column ${first.position.column}: `;
  return problemsReply(400, `the body cannot be read: ${at}${first?.message ?? ""}`, problems);
}

/** One problem by itself. */
export function errorAt(path: string, message: string, hint?: string): Problem {
  return { severity: "error", path, message, ...(hint !== undefined && { hint }) };
}

/** What came of a change. `noun` is what an id that is not there, or there already, is of. */
export function changeReply(outcome: ChangeOutcome, noun: string): AdminReply {
  switch (outcome.kind) {
    case "applied":
    case "unchanged":
      return appliedReply(outcome);
    case "invalid":
      return problemsReply(422, "the config would have problems; nothing was changed", outcome.problems);
    case "failed":
      if (outcome.passing === true) return interruptedReply(`${outcome.reason}; nothing was changed`);
      return problemsReply(422, "the config could not be applied; nothing was changed", [errorAt("", outcome.reason)]);
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
    case "store":
      return storeReply(outcome);
    case "staged":
      return stagedReply(outcome);
    case "rolled_back":
      return rolledBackReply(outcome);
    case "unreadable_by":
      return unreadableReply(outcome);
    default:
      throw new Unreachable(outcome);
  }
}

function storeReply(outcome: Extract<ChangeOutcome, { readonly kind: "store" }>): AdminReply {
  return problemReply(outcome.passing ? 503 : 409, `${outcome.reason}; nothing was changed`, {
    more: { hint: outcome.hint },
    ...(outcome.passing && { headers: { "retry-after": "1" } }),
  });
}

function stagedReply({ version, sha256 }: Extract<ChangeOutcome, { readonly kind: "staged" }>): AdminReply {
  return { status: 200, body: { version, digest: sha256, staged: true, warnings: [], restart_required: [] } };
}

function rolledBackReply({ version, reason }: Extract<ChangeOutcome, { readonly kind: "rolled_back" }>): AdminReply {
  return problemReply(409, `the same document was tried and taken back as version ${version}: ${reason}`, {
    more: { hint: "mend it, or ask for it with ?again=true" },
  });
}

function unreadableReply({ schema, members }: Extract<ChangeOutcome, { readonly kind: "unreadable_by" }>): AdminReply {
  const who = members.map(({ id, version, reads }) => `${id} (${version}, up to ${reads})`).join(", ");
  return problemReply(409, `the document has schema ${schema}, which ${who} cannot read; nothing was changed`, {
    more: { hint: "upgrade them first, or force it with ?force=true: they keep what they run", members },
  });
}

/**
 * What the node's store is asked for; 503 when it cannot be asked. The signal never aborts: a call
 * of the store ends at its own deadline.
 */
export async function fromStore(ask: (signal: AbortSignal) => Promise<AdminReply>): Promise<AdminReply> {
  try {
    return await ask(new AbortController().signal);
  } catch (cause) {
    if (!(cause instanceof RouterError) || !cause.code.startsWith("STORE_")) throw cause;
    const hint = cause.hint === undefined ? {} : { more: { hint: cause.hint } };
    return problemReply(503, `the coordination store: ${cause.message}`, hint);
  }
}

/** For what says nothing against the request: it may be made again in a moment. */
export function interruptedReply(reason: string): AdminReply {
  return problemReply(503, `${reason}; try again in a moment`, { headers: { "retry-after": "1" } });
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

type IfMatch = { readonly ok: true; readonly guard: readonly number[] | undefined } | { readonly ok: false };

/**
 * The versions that an `If-Match` header names (RFC 9110, 13.1.1): `"5"`, several, or `*` for any.
 * A bare number is one too; what can be no version of ours is a mistake, and told as one.
 */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined || header.trim() === "*") return { ok: true, guard: undefined };
  const tags = header.split(",").map((tag) => tag.trim());
  if (!tags.every((tag) => /^(?:(?:W\/)?"\d{1,15}"|\d{1,15})$/u.test(tag))) return { ok: false };
  // A weak tag never matches: only the same version will do.
  const versions = tags.map((tag) => /^"?(?<version>\d{1,15})"?$/u.exec(tag)?.groups?.["version"]);
  return { ok: true, guard: versions.filter((version) => version !== undefined).map(Number) };
}

/** The entity tag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}
