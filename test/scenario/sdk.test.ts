import assert from "node:assert/strict";
import { before, test } from "node:test";
import { SIGNALS, type Signal } from "../../src/otlp/signal.ts";
import { createAuthority, type TestAuthority } from "../support/certs.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { decodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { readOtlpJson } from "../support/oracle/otlp-json.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import type { Sink, SinkOptions } from "../support/sinks/sink.ts";
import { recordSdkData, type SdkData } from "../support/sdk-data.ts";
import { exportSdkData, SDK_PROTOCOLS, type SdkProtocol, type SdkRoute } from "./sdk-exporter.ts";

let data: SdkData;
let authority: TestAuthority;
before(async () => {
  data = await recordSdkData();
  authority = await createAuthority();
});

/** One target of each protocol; both get everything. */
const BOTH = {
  targets: [{ id: "grpc" }, { id: "http", protocol: "http/protobuf" }],
  default_pool: { targets: ["grpc", "http"], strategy: "broadcast" },
};

for (const protocol of SDK_PROTOCOLS) {
  for (const signal of SIGNALS) {
    for (const gzip of [false, true]) {
      const how = `${signal} over ${protocol}${gzip ? " with gzip" : ""}`;
      test(`SDK: ${how} mean at both targets what the exporter delivers directly`, async () => {
        await using grpc = await openGrpcSink();
        await using http = await openHttpSink();
        const direct = await exportDirectly(signal, protocol, gzip);
        await using node = await startTestNode(withGzip(BOTH, gzip), { sinks: { grpc, http } });
        await exportSdkData(signal, protocol, data, { url: urlOf(node, protocol, "http"), gzip });
        for (const sink of [grpc, http]) {
          assert.deepEqual(arrivedAt(sink, signal), direct);
          assert.equal(sink.requests[0]?.encoding, gzip && !isSmall(sink) ? "gzip" : "identity");
        }
        assert.equal((await node.ledger(signal)).rejected, 0);
      });
    }
  }
}

for (const mutual of [false, true]) {
  for (const protocol of SDK_PROTOCOLS) {
    const name = `${mutual ? "mutual TLS" : "TLS"} over ${protocol}`;
    test(`SDK: ${name}, into the node and out of it, changes nothing`, async () => {
      const server = await authority.server();
      const client = mutual ? await authority.client() : undefined;
      const accept: SinkOptions = { tls: { ...server, ...(mutual && { ca: authority.ca }) } };
      await using grpc = await openGrpcSink(accept);
      await using http = await openHttpSink(accept);
      const direct = await exportDirectly("traces", protocol, false);
      const trust = { ca: authority.ca, ...client };
      const listener = { tls: { ...server, ...(mutual && { client_ca: authority.ca }) } };
      await using node = await startTestNode(
        {
          node: { listen: { otlp_grpc: listener, otlp_http: listener } },
          targets: BOTH.targets.map((target) => ({ ...target, tls: trust })),
          default_pool: BOTH.default_pool,
        },
        { sinks: { grpc, http } },
      );
      const route: SdkRoute = { url: urlOf(node, protocol, "https"), tls: trust };
      await exportSdkData("traces", protocol, data, route);
      for (const sink of [grpc, http]) assert.deepEqual(arrivedAt(sink, "traces"), direct);
      const once = { timeoutMillis: 500 };
      const stranger = { ...route, ...once, tls: { ca: authority.ca } };
      if (mutual) await assert.rejects(exportSdkData("traces", protocol, data, stranger));
      await assert.rejects(exportSdkData("traces", protocol, data, { url: urlOf(node, protocol, "http"), ...once }));
      assert.equal(grpc.counts().requests, 1);
    });
  }
}

/** What arrives when the exporter sends straight to a target: decoded, and all of it. */
async function exportDirectly(signal: Signal, protocol: SdkProtocol, gzip: boolean): Promise<Plain> {
  await using sink = await (protocol === "grpc" ? openGrpcSink() : openHttpSink());
  await exportSdkData(signal, protocol, data, { url: sink.url, gzip });
  const [request] = sink.requests;
  assert.equal(request?.encoding, gzip ? "gzip" : "identity");
  assert.equal(request.headers["content-type"], CONTENT_TYPES[protocol]);
  if (protocol === "http/json") return readOtlpJson(signal, Buffer.from(request.body).toString("utf8"));
  return decodeRequest(signal, request.body);
}

const CONTENT_TYPES: Readonly<Record<SdkProtocol, string>> = {
  grpc: "application/grpc",
  "http/protobuf": "application/x-protobuf",
  "http/json": "application/json",
};

/** What gzip would hardly make smaller is sent as it is. */
function isSmall(sink: Sink): boolean {
  return sink.requests.every(({ body }) => body.length < 512);
}

function arrivedAt(sink: Sink, signal: Signal): Plain {
  const [request, ...others] = sink.requests;
  assert.ok(request !== undefined && others.length === 0, `${sink.requests.length} requests`);
  assert.equal(request.signal, signal);
  return decodeRequest(signal, request.body);
}

function urlOf(node: TestNode, protocol: SdkProtocol, scheme: "http" | "https"): string {
  return `${scheme}://${protocol === "grpc" ? node.grpc : node.http}`;
}

function withGzip(config: typeof BOTH, gzip: boolean): Record<string, unknown> {
  const compression = gzip ? "gzip" : "none";
  return { ...config, targets: config.targets.map((target) => ({ ...target, compression })) };
}
