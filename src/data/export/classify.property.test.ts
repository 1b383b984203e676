import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { UnaryClient, UnaryResult } from "../../http2/port.ts";
import { readReplyFields, ReplyReader } from "../../http2/reply-reader.ts";
import { NO_HEADERS } from "../../plan/sender-headers.ts";
import { targetPlan } from "../../../test/delivery/pool-rig.ts";
import { openGrpcClient } from "./grpc.ts";
import { outcomeOfHttp } from "./http-answer.ts";
import type { SendOutcome } from "../send-outcome.ts";

/** What peers may say, and what they should not. */
const value = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "0",
    "7",
    "0, 7",
    "-1",
    "99",
    "1e3",
    "application/x-protobuf",
    "TEXT/PLAIN; a=b",
    "gzip",
    "br",
    "%zz%",
  ),
  fc.integer().map(String),
);
const name = fc.constantFrom(
  "content-type",
  "content-encoding",
  "content-length",
  "retry-after",
  "grpc-status",
  "grpc-message",
  "grpc-encoding",
  "grpc-status-details-bin",
  "grpc-retry-pushback-ms",
  "endpoint-load-metrics",
  "__proto__",
  ":status",
);
const fields = fc.dictionary(name, fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 })));
const body = fc.uint8Array({ maxLength: 40 });
const signal = fc.constantFrom("traces", "metrics", "logs");

const RETRIED = new Set([429, 502, 503, 504]);

test("HTTP: whatever is in a head and a body, the status decides, and nothing throws", () => {
  const read = fc.option(body, { nil: undefined });
  fc.assert(
    fc.property(signal, fc.integer({ min: 200, max: 599 }), fields, read, (of, status, headers, bytes) => {
      const outcome = outcomeOfHttp({ signal: of, status, headers, body: bytes }, 1_000_000);
      const accepts = status < 300;
      assert.equal(outcome.kind === "accepted", accepts);
      assert.equal(outcome.kind === "retry", RETRIED.has(status));
    }),
    { numRuns: 2_000 },
  );
});

type Step = { readonly head: object } | { readonly bytes: Uint8Array } | { readonly trailers: object };

/** What comes of a call whose answer is `result`. */
function outcomeOf(result: UnaryResult): Promise<SendOutcome> {
  const transport: UnaryClient = {
    unary: (_request, done) => {
      queueMicrotask(() => done(result));
      return () => undefined;
    },
    cancelAll: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
  const client = openGrpcClient(() => targetPlan("t"), transport);
  const batch = { signal: "traces", pieces: [], bytes: 0, items: 1, points: 1, headers: NO_HEADERS } as const;
  return new Promise((resolve) => client.send(batch, 1_000, resolve));
}

test("gRPC: whatever head, messages and trailers come, in whatever order, status 0 is a success, and final stays final", async () => {
  const final = new Set([3, 5, 6, 7, 9, 13, 16, 2]);
  const status = fc.integer({ min: 0, max: 16 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fields.map((head) => ({ head })),
    body.map((bytes) => ({ bytes })),
    fields.map((trailers) => ({ trailers })),
  );
  await fc.assert(
    fc.asyncProperty(
      status,
      fields,
      fc.array(body, { maxLength: 4 }),
      fields,
      fc.array(step, { maxLength: 3 }),
      async (code, head, chunks, trailers, odd) => {
        const reader = new ReplyReader(1_000);
        let result: UnaryResult | undefined;
        const { "grpc-status": _, ...rest } = head;
        result = reader.head(readReplyFields({ ...rest, ":status": "200", "content-type": "application/grpc" }));
        for (const chunk of chunks) result ??= reader.data(chunk);
        reader.trailers(readReplyFields({ ...trailers, "grpc-status": String(code) }));
        result ??= reader.end();
        const outcome = await outcomeOf(result);
        if (code === 0) assert.equal(outcome.kind, "accepted");
        if (final.has(code)) assert.equal(outcome.kind, "rejected");
        const other = new ReplyReader(1_000); // in any order: nothing throws
        for (const one of odd) {
          if ("head" in one) other.head(readReplyFields({ ...one.head }));
          else if ("bytes" in one) other.data(one.bytes);
          else other.trailers(readReplyFields({ ...one.trailers }));
        }
        await outcomeOf(other.end());
      },
    ),
    { numRuns: 500 },
  );
});
