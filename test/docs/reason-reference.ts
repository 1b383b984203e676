import { ERROR_CODES, type ErrorCode } from "../../src/core/errors.ts";
import { type Reason, REASONS } from "../../src/core/reason.ts";
import { grpcCodeName } from "../../src/otlp/grpc-code.ts";
import { DROP_REASONS, type DropReason } from "../../src/telemetry/ledger.ts";
import { RETRY_REASONS, type RetryReason } from "../../src/data/send-outcome.ts";
import { REPLIES } from "../../src/data/receive/reply.ts";

/** docs/reference/reasons.md, from the closed lists. */
export function reasonReference(): string {
  return `# Reasons and codes

Generated from the closed lists in the code: nothing else is ever said.

## Refusals

Why a sender was told no. Label \`error_type\` of \`otlp_errors_total\`; in the ledger, the name beside \`shed\` and \`lost\`. What may be
sent again carries \`Retry-After\` or \`RetryInfo\`.

| reason | HTTP | gRPC | send again | meaning |
| --- | --- | --- | --- | --- |
${REASONS.map(refusalRow).join("\n")}

## Drops

Why items were left out although everything worked: the name beside \`dropped\` in the ledger.

${tableOf(DROP_REASONS, DROPS)}

## Retries

Why a batch may be tried again: \`outcome\` of \`signalbox_export_sends_total\`, \`reason\` of \`signalbox_pool_retries_total\` and of a
target's state.

${tableOf(RETRY_REASONS, RETRIES)}

## Errors

Codes of \`RouterError\`, for programs that use the library.

${tableOf(ERROR_CODES, ERRORS)}
`;
}

const REFUSALS = {
  bad_data:
    "The request is malformed, or the target said so (INVALID_ARGUMENT, HTTP 400); or a header that rules ask about or targets are passed is too long or no printable ASCII.",
  too_large:
    "What goes to one pool is longer than its queue and those of its fallbacks (`queue.max_bytes`). Or the request is longer than `node.limits.max_request_bytes`, inflated too (JSON: 16 MiB at most), or its headers are; or it holds more than `node.limits.max_resources` and its like let it.",
  unsupported_encoding: "Its compression is not gzip, zstd or deflate.",
  unsupported_media_type: "Its content type is neither `application/x-protobuf` nor `application/json`.",
  method_not_allowed: "OTLP/HTTP takes POST.",
  not_found: "There is no such path or gRPC method.",
  too_many_requests: "`node.limits.max_concurrent_requests` are under way.",
  over_limit: "More comes than `global.rate_limiting` lets in, of everything together or of one key.",
  memory: "Requests under way hold `node.limits.max_in_flight_bytes`.",
  degraded:
    "The node gives up part of its work under load, or because somebody said so: see `GET /api/v1/degradation`. Of a request of which some goes on, the rest is told in `partial_success`. Beside `shed` of a rule with `mode: copy`: what it did not copy; nobody was told no.",
  too_slow: "Its bytes came at less than 64 KiB a second while other requests were refused for want of room.",
  queue_full: "A pool that it goes to holds `queue.max_bytes`, or would with it.",
  unrouted:
    "No rule matches any of it, there is no `default_pool`, and `unmatched` is `refuse`. Beside items that have a way, those without one are told in `partial_success`.",
  too_many_hops:
    "It has come over more than `node.limits.max_hops` links between nodes of the fleet: targets by collectors send it in a circle. Told in `partial_success`, for all of it.",
  no_target:
    "A pool that it goes to has no usable target and `when_down: refuse`; or all that could take it asked to be left alone until after the sender's deadline; or its target was taken out of the pool; or no pool is configured yet.",
  no_config:
    "The node has no config of its fleet yet: see its `/readyz`; the first one is published with `signalbox config apply --init`.",
  target_rejected:
    "The target refused it for good, for another reason than bad data: who may send, one item too large; or nobody takes this signal.",
  target_failed: "Its targets failed, and there is no try left: `max_retries`, the time, or the retry budget.",
  deadline: "The sender's deadline passed, or it waited longer than `queue.max_age`.",
  cancelled: "The sender went away before it was answered.",
  pool_removed:
    "Its pool was removed from the config, could not send it in five minutes, and neither its fallback nor a rule took it.",
  shutting_down: "The node stops.",
  worker_died:
    "A worker of the node ended while it held them. Their senders saw their connections close, or had been told that all is well.",
  internal: "A fault of Signalbox.",
} as const satisfies Record<Reason, string>;

const DROPS = {
  sampled: "Sampling did not keep it.",
  unrouted: "No rule matches, there is no `default_pool`, and `unmatched` is `drop`.",
} as const satisfies Record<DropReason, string>;

const RETRIES = {
  connect: "No connection could be made: the target has not seen the batch.",
  reset: "The connection or the call was broken off before an answer.",
  stale:
    "A kept connection was broken off when it was used again, before any answer: tried again at once on a new one, and says nothing against the target.",
  timeout: "No answer within the target's `timeout`, or the target gave up by itself.",
  cut_short:
    "No answer in the part of the sender's time that left room for another target: says nothing against this one.",
  protocol: "What came back is not the protocol.",
  throttled: "The target asked for time, and said how much.",
  unavailable: "The target is there and cannot take anything now.",
  aborted: "The target gave up the call; OTLP says that it may be tried again.",
  cancelled: "Signalbox ended the call itself.",
} as const satisfies Record<RetryReason, string>;

const ERRORS = {
  CONFIG_INVALID: "A config has problems.",
  CONFIG_UNREADABLE: "A config file cannot be read.",
  LISTEN_FAILED: "A listener cannot be opened.",
  TLS_INVALID: "A certificate or key cannot be used.",
  INTERRUPTED: "A worker died or fell silent while it was asked. Try again: another is started in its place.",
  STORE_UNREACHABLE: "The coordination store did not answer, and nothing was written. Try again.",
  STORE_UNKNOWN:
    "The connection to the store was lost while it was writing: it may or may not have been done. Read before you write again.",
  STORE_REFUSED: "The store will not do it: rights, sizes or room. The message says which.",
  SESSION_LOST: "The session that a lock, a leadership or a registration hangs on has ended.",
  NOT_OWNER: "Somebody else has it, or had it since: what is guarded by it was not written.",
  TIMED_OUT: "It could not be had in the time that was given.",
  TARGET_UNREACHABLE: "The other side cannot be reached.",
  SHUTDOWN: "It ended because the node stops.",
  USAGE: "The command line is wrong.",
  INTERNAL: "A fault of Signalbox.",
} as const satisfies Record<ErrorCode, string>;

function refusalRow(reason: Reason): string {
  const { http, grpc, retryable } = REPLIES[reason];
  return `| \`${reason}\` | ${http} | ${grpcCodeName(grpc)} | ${retryable ? "yes" : "no"} | ${REFUSALS[reason]} |`;
}

function tableOf<Name extends string>(names: readonly Name[], meanings: Readonly<Record<Name, string>>): string {
  const rows = names.map((name) => `| \`${name}\` | ${meanings[name]} |`);
  return `| name | meaning |\n| --- | --- |\n${rows.join("\n")}`;
}
