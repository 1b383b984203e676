import assert from "node:assert/strict";
import { test } from "node:test";
import { SIGNAL_FACTS } from "../../../src/otlp/signal.ts";
import { createAuthority } from "../../support/certs.ts";
import { requestOf } from "../../support/items.ts";
import { startTestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { TestFolder } from "../folder.ts";
import { assertNoFaults, framed, largeSpan, MIB, names } from "../items.ts";
import { needs } from "../needs.ts";
import { run } from "../program.ts";

const H2LOAD = needs("h2load");
const TEN_SPANS = requestOf(
  "traces",
  names(10).map((name) => ({ name })),
);

interface Load {
  readonly name: string;
  readonly requests: number;
  readonly clients: number;
  /** Of h2load. */
  readonly args: readonly string[];
  readonly tls?: boolean;
  /** An Export request; ten spans unless there is another. */
  readonly message?: Uint8Array;
  readonly spans?: number;
}

const LOADS: readonly Load[] = [
  { name: "one stream at a time", requests: 300, clients: 1, args: [] },
  { name: "several clients and streams", requests: 4_000, clients: 8, args: ["-m", "32"] },
  { name: "several clients and streams over TLS", requests: 4_000, clients: 8, args: ["-m", "32"], tls: true },
  { name: "a connection for each request", requests: 200, clients: 200, args: [] },
  { name: "a connection for each request over TLS", requests: 100, clients: 100, args: [], tls: true },
  { name: "more streams at a time than we let in", requests: 5_000, clients: 4, args: ["-m", "1000"] },
  { name: "windows of one byte", requests: 1_000, clients: 2, args: ["-m", "50", "-w", "1", "-W", "1"] },
  { name: "windows of 255 bytes", requests: 2_000, clients: 2, args: ["-m", "100", "-w", "8", "-W", "8"] },
  { name: "no header table at its decoder", requests: 2_000, clients: 2, args: ["-m", "10", "--header-table-size=0"] },
  {
    name: "no header table at its encoder",
    requests: 2_000,
    clients: 2,
    args: ["-m", "10", "--encoder-header-table-size=0"],
  },
  {
    name: "large messages on many streams",
    requests: 64,
    clients: 4,
    args: ["-m", "8"],
    message: largeSpan(MIB),
    spans: 1,
  },
  {
    name: "large messages on many streams over TLS",
    requests: 64,
    clients: 4,
    args: ["-m", "8"],
    tls: true,
    message: largeSpan(MIB),
    spans: 1,
  },
];

for (const { name, requests, clients, args, tls = false, message = TEN_SPANS, spans = 10 } of LOADS) {
  test(`h2load: ${requests} requests with ${name} succeed, and all of their spans are delivered`, H2LOAD, async () => {
    const identity = tls ? await (await createAuthority()).server() : undefined;
    await using sink = await openGrpcSink();
    await using node = await startTestNode(
      { node: { listen: { otlp_grpc: identity === undefined ? {} : { tls: identity } } } },
      { sinks: { a: sink } },
    );
    using folder = new TestFolder();
    const url = `${tls ? "https" : "http"}://${node.grpc}${SIGNAL_FACTS.traces.grpcPath}`;
    const gRPC = [
      "-H",
      "content-type: application/grpc",
      "-H",
      "te: trailers",
      "-d",
      folder.write("body", framed(message)),
    ];
    const { out, err } = await run("h2load", ["-n", String(requests), "-c", String(clients), ...args, ...gRPC, url]);
    const told = out.toString("utf8");
    assert.ok(told.includes(`Application protocol: ${tls ? "h2\n" : "h2c\n"}`), `${told}${err}`);
    assert.match(told, new RegExp(`^requests: ${requests} total, .* ${requests} succeeded, 0 failed, 0 errored`, "mu"));
    assert.match(told, new RegExp(`^status codes: ${requests} 2xx, 0 3xx, 0 4xx, 0 5xx`, "mu"));
    // h2load does not read trailers. What was answered with another grpc-status than 0 was not
    // delivered.
    const { received, delivered } = await node.ledger();
    assert.deepEqual([received, delivered], [requests * spans, requests * spans]);
    assert.equal(sink.counts().acceptedItems, requests * spans);
    await assertNoFaults(node);
  });
}
