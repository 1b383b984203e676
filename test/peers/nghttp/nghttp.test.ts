import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { UNARY_TRANSPORTS } from "../../../src/http2/transport.ts";
import { SIGNAL_FACTS } from "../../../src/otlp/signal.ts";
import { createAuthority } from "../../support/certs.ts";
import { namesIn } from "../../support/items.ts";
import { startTestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { TEST_TRANSPORT } from "../../support/transport.ts";
import { exchange, ok, PATH, serverOptions } from "../../transport/rig.ts";
import { TestFolder } from "../folder.ts";
import { assertNoFaults, framed, span } from "../items.ts";
import { needs } from "../needs.ts";
import { run } from "../program.ts";

const NGHTTP = needs("nghttp");
const EXPORT = SIGNAL_FACTS.traces.grpcPath;

/** What nghttp tells of its frames when it posts a message as gRPC. */
async function nghttp(url: string, message: Uint8Array, args: readonly string[]): Promise<string> {
  using folder = new TestFolder();
  const gRPC = ["-H", "content-type: application/grpc", "-H", "te: trailers"];
  const body = ["-d", folder.write("body", framed(message))];
  const { out, err } = await run("nghttp", ["--verbose", "--null-out", ...gRPC, ...body, ...args, url]);
  return `${out.toString("utf8")}${err}`;
}

function count(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}

const STATUS_200 = /recv \(stream_id=\d+\) :status: 200$/gmu;
const GRPC_OK = /recv \(stream_id=\d+\) grpc-status: 0$/gmu;
const END_STREAM = /recv HEADERS frame <length=\d+, flags=0x05, stream_id=\d+>/gu;
const RESET = /recv RST_STREAM|recv GOAWAY/gu;

interface Variant {
  readonly name: string;
  readonly args: readonly string[];
  readonly requests?: number;
}

const VARIANTS: readonly Variant[] = [
  { name: "with prior knowledge", args: ["--no-dep"] },
  { name: "with PRIORITY frames and a tree of idle streams", args: [] },
  { name: "with the least and the greatest weight", args: ["--weight=1", "--weight=256", "-m", "5"], requests: 5 },
  { name: "with padding", args: ["--padding=255"] },
  { name: "without content-length", args: ["--no-content-length"] },
  { name: "with trailers", args: ["--trailer", "x-checksum: 1234"] },
  { name: "that expects 100 Continue", args: ["--expect-continue"] },
  { name: "50 times on one connection", args: ["-m", "50"], requests: 50 },
  { name: "with a window of one byte", args: ["-w", "1"] },
  {
    name: "with a header table that shrinks to nothing and grows again",
    args: ["-c", "0", "-c", "4096", "-m", "9"],
    requests: 9,
  },
  { name: "with a header table of 16 MiB", args: ["-c", "16M", "-m", "9"], requests: 9 },
  { name: "with an encoder that has no table", args: ["--encoder-header-table-size=0", "-m", "9"], requests: 9 },
  { name: "that will not be pushed to", args: ["--no-push"] },
];

for (const tls of [false, true]) {
  for (const { name, args, requests = 1 } of VARIANTS) {
    test(
      `nghttp: a request ${name}${tls ? " over TLS" : ""} is answered with head, message and trailers`,
      NGHTTP,
      async () => {
        const authority = tls ? await createAuthority() : undefined;
        const listener = authority === undefined ? {} : { tls: await authority.server() };
        await using sink = await openGrpcSink();
        await using node = await startTestNode({ node: { listen: { otlp_grpc: listener } } }, { sinks: { a: sink } });
        const url = `${tls ? "https" : "http"}://${node.grpc}${EXPORT}`;
        const told = await nghttp(url, span("one"), [...args, "--no-verify-peer"]);
        if (tls) assert.match(told, /The negotiated protocol: h2$/mu);
        const seen = [STATUS_200, GRPC_OK, END_STREAM, RESET].map((what) => count(told, what));
        assert.deepEqual(seen, [requests, requests, requests, 0], told);
        assert.deepEqual(
          namesIn(sink.requests),
          Array.from({ length: requests }, () => "one"),
        );
        await assertNoFaults(node);
      },
    );
  }
}

/** Nine fields of 2,000 bytes each: more than a frame of 16,384. */
const CONTINUED = ["--no-dep", "--continuation"];

test("nghttp: a head that goes on in CONTINUATION is read when it is within the limit", NGHTTP, async () => {
  let fields = 0;
  await using server = await UNARY_TRANSPORTS[TEST_TRANSPORT].listen(
    serverOptions(
      (call) => {
        for (let at = 1; call.header(`continuation-test-${at}`) !== undefined; at++) fields++;
        return exchange({ message: () => call.reply(ok()) });
      },
      { maxHeaderBytes: 65_536 },
    ),
    { clock: systemClock, random: seededRandom(1) },
  );
  const told = await nghttp(`http://127.0.0.1:${server.port}${PATH}`, span("one"), CONTINUED);
  assert.deepEqual([count(told, STATUS_200), count(told, GRPC_OK), count(told, RESET)], [1, 1, 0], told);
  assert.equal(fields, count(told, /^ +continuation-test-\d+: /gmu));
  assert.ok(fields > 0);
});

test("nghttp: what is no method of ours is answered in gRPC", NGHTTP, async () => {
  await using node = await startTestNode({});
  const told = await nghttp(`http://${node.grpc}/no.Such/Method`, span("one"), ["--no-dep"]);
  assert.equal(count(told, STATUS_200), 1, told);
  assert.match(told, /recv \(stream_id=\d+\) grpc-status: 12$/mu);
});

// node:http2 counts what is in a head otherwise, and answers HTTP/1.1 with frames.
if (TEST_TRANSPORT === "own") {
  test("nghttp: a head above the limit costs its stream, and no other on the connection", NGHTTP, async () => {
    await using sink = await openGrpcSink();
    await using node = await startTestNode({}, { sinks: { a: sink } });
    const told = await nghttp(`http://${node.grpc}${EXPORT}`, span("one"), [...CONTINUED, "-m", "3"]);
    assert.equal(count(told, /recv RST_STREAM frame/gu), 3, told);
    assert.equal(count(told, /error_code=ENHANCE_YOUR_CALM/gu), 3, told);
    assert.equal(count(told, /recv GOAWAY/gu), 0, told);
    await assertNoFaults(node);
  });

  test("nghttp: an upgrade from HTTP/1.1 is turned down with a text that people can read", NGHTTP, async () => {
    await using node = await startTestNode({});
    const told = await nghttp(`http://${node.grpc}${EXPORT}`, span("one"), ["--upgrade"]);
    assert.match(told, /^HTTP\/1\.1 505 HTTP Version Not Supported\r?$/mu);
    assert.match(told, /speaks gRPC over HTTP\/2/u);
    assert.match(told, /HTTP Upgrade failed/u);
  });
}
