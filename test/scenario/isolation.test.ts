import assert from "node:assert/strict";
import { test } from "node:test";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { startTestNode } from "../support/node.ts";
import { decodeRequest, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { OtlpSender, type SendVariant } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { OK, type SinkScript } from "../support/sinks/sink-script.ts";
import { TEST_WORKERS } from "../support/workers.ts";

const TOGETHER = 24;
/** A span whose name is cut off: its lengths are right down to the span. */
const POISON = Buffer.from("0a06120412022a05", "hex");

/**
 * What real targets answer to bytes that they cannot decode, and what a sender of only such bytes
 * is told.
 */
const TARGETS = [
  { protocol: "grpc", code: GRPC.INVALID_ARGUMENT, grpc: GRPC.INVALID_ARGUMENT, http: 400 },
  { protocol: "grpc", code: GRPC.INTERNAL, grpc: GRPC.INTERNAL, http: 500 },
  { protocol: "http/protobuf", code: 400, grpc: GRPC.INVALID_ARGUMENT, http: 400 },
  { protocol: "http/protobuf", code: 500, grpc: GRPC.INTERNAL, http: 500 },
] as const;

for (const { protocol, code: refusal, ...told } of TARGETS) {
  for (const poisoned of [1, 5, TOGETHER]) {
    test(`isolation: of ${TOGETHER} requests in a batch, ${poisoned} broken ones are refused with ${refusal} over ${protocol}, the others delivered once`, async () => {
      const open = protocol === "grpc" ? openGrpcSink : openHttpSink;
      let broken = 0;
      await using sink = await open({ script: refuseBroken(refusal, (items) => (broken = Math.max(broken, items))) });
      // A batch leaves when all are there, and not before.
      const batch = { max_wait: "60s", max_items: TOGETHER };
      const config = { targets: [{ id: "a", protocol }], default_pool: { targets: ["a"], batch } };
      // A batch is of one worker.
      const workers = Math.min(1, TEST_WORKERS);
      await using node = await startTestNode(config, { sinks: { a: sink }, workers });
      await using sender = new OtlpSender(node);

      const requests = Array.from({ length: TOGETHER }, (_, i) => (i < poisoned ? POISON : named(`span ${i}`)));
      const ways = requests.map((_, i): SendVariant => (i % 3 === 0 ? "http" : "grpc"));
      const answers = await Promise.all(requests.map((bytes, i) => sender.send(ways[i]!, "traces", bytes)));
      for (const [i, { ok, code, message }] of answers.entries()) {
        if (i >= poisoned) assert.deepEqual([ok, message], [true, ""]);
        else assert.equal(code, ways[i] === "grpc" ? told.grpc : told.http);
      }
      assert.equal(broken, TOGETHER, "they never shared a batch");
      assert.deepEqual(
        namesAt(sink.requests).toSorted(),
        requests
          .slice(poisoned)
          .map((_, i) => `span ${i + poisoned}`)
          .toSorted(),
      );
      assert.deepEqual(
        [(await node.ledger()).delivered, (await node.ledger()).rejected],
        [TOGETHER - poisoned, poisoned],
      );
    });
  }
}

function named(name: string): Uint8Array {
  return encodeRequest("traces", { resourceSpans: [{ scopeSpans: [{ spans: [{ name }] }] }] });
}

/** Refuses what it cannot decode, and tells how many items were in it. */
function refuseBroken(code: number, refused: (items: number) => void): SinkScript {
  return ({ body, items }) => {
    if (decoded(body) !== undefined) return OK;
    refused(items);
    return { kind: "status", code };
  };
}

function namesAt(requests: readonly { readonly body: Uint8Array }[]): string[] {
  return requests.flatMap(({ body }) =>
    [...JSON.stringify(decoded(body) ?? {}).matchAll(/"name":"([^"]*)"/gu)].map((m) => m[1]!),
  );
}

function decoded(body: Uint8Array): Plain | undefined {
  try {
    return decodeRequest("traces", body);
  } catch {
    return undefined;
  }
}
