import { joinOwned, textBrief } from "../../../core/bytes.ts";
import { GRPC, grpcCodeName } from "../../../otlp/grpc-code.ts";
import {
  Cursor,
  fieldOf,
  MALFORMED,
  readTag,
  readVarint,
  skipValue,
  varintBytes,
  WIRE,
  wireOf,
  writeVarint,
} from "../../../otlp/wire.ts";
import { inflateMessage } from "../../../otlp/inflate-reply.ts";
import type { UnaryClient, UnaryRequest, UnaryResult } from "../../../http2/port.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import type { Check, CheckOutcome } from "../check.ts";
import { headersOf, isUnsigned } from "./check-request.ts";

const NO_MESSAGE = { message: new Uint8Array(0) };
const PATH = "/grpc.health.v1.Health/Check";
/** Field 1, length-delimited. */
const SERVICE_TAG = 0x0a;
const SERVING = 1;
const STATUS_NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/**
 * grpc.health.v1 (grpc/doc/health-checking.md) on a connection of its own, which it owns. Only
 * SERVING passes.
 */
export function openGrpcCheck(check: CheckPlan, current: () => TargetPlan, transport: UnaryClient): Check {
  const message = encodeRequest(check.service);
  return {
    run(timeoutMs, done) {
      let cancelled = false;
      const target = current();
      const isUnheard = (code: string): boolean => isUnsigned(code, check, target);
      const request: UnaryRequest = {
        path: PATH,
        metadata: headersOf(check, target),
        pieces: [message],
        messageBytes: message.length,
        encoding: "identity",
        timeoutMs,
      };
      const end = (result: UnaryResult): void => {
        inflateMessage(result.kind === "answer" ? result : NO_MESSAGE, (read) => {
          if (!cancelled) done(outcomeOf(result, read, isUnheard));
        });
      };
      let cancel = transport.unary(request, (result) => {
        const isStale = result.kind === "failed" && result.reason === "stale" && !cancelled;
        if (isStale) cancel = transport.unary(request, end);
        else end(result);
      });
      return () => {
        cancelled = true;
        cancel();
      };
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

function outcomeOf(
  result: UnaryResult,
  message: Uint8Array | undefined,
  isUnheard: (code: string) => boolean,
): CheckOutcome {
  if (result.kind === "failed") {
    return { result: result.reason === "timeout" ? "timeout" : "failed", said: result.text };
  }
  if (result.status !== GRPC.OK) {
    const timeout = result.status === GRPC.DEADLINE_EXCEEDED;
    const code = grpcCodeName(result.status);
    const said = result.text === "" ? code : `${code}: ${result.text}`;
    if (isUnheard(code)) return { result: "passed", said };
    return { result: timeout ? "timeout" : "failed", said };
  }
  const status = message === undefined ? 0 : readStatus(message);
  return { result: status === SERVING ? "passed" : "failed", said: STATUS_NAMES[status] ?? `status ${status}` };
}

/** HealthCheckRequest { string service = 1 }. */
function encodeRequest(service: string): Uint8Array {
  const name = textBrief(service);
  if (name.length === 0) return new Uint8Array(0);
  const head = new Uint8Array(1 + varintBytes(name.length));
  head[0] = SERVICE_TAG;
  writeVarint(head, 1, name.length);
  return joinOwned([head, name]);
}

/**
 * HealthCheckResponse { ServingStatus status = 1 }: an enum, 0 when it is not there or cannot be
 * read.
 */
function readStatus(bytes: Uint8Array): number {
  const cursor = new Cursor(bytes, 0, bytes.length);
  let status = 0;
  while (cursor.at < cursor.end) {
    const tag = readTag(cursor);
    if (tag === MALFORMED) return 0;
    if (fieldOf(tag) === 1 && wireOf(tag) === WIRE.VARINT) {
      const value = readVarint(cursor);
      if (value === MALFORMED) return 0;
      status = value;
    } else if (!skipValue(cursor, tag)) return 0;
  }
  return status;
}
