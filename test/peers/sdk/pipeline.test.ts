import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { resetSocket } from "../../../src/core/reset-socket.ts";
import { SIGNALS, type Signal } from "../../../src/otlp/signal.ts";
import { namesIn } from "../../support/items.ts";
import { startTestNode, type TestNode } from "../../support/node.ts";
import { openGrpcSink } from "../../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../../support/sinks/http-sink.ts";
import type { Sink } from "../../support/sinks/sink.ts";
import { assertNoFaults, names } from "../items.ts";
import { exportersTo, SDK_PROTOCOLS, type SdkProtocol } from "./exporters.ts";
import { SdkProgram } from "./program.ts";

/** Shops go to one target, all else to the other. */
const BY_SERVICE = {
  targets: [{ id: "shops" }, { id: "others", protocol: "http/protobuf" }],
  rules: [{ id: "shops", conditions: [{ service_name: "shop*" }], targets: ["shops"] }],
  default_pool: { targets: ["others"] },
};

function addressOf(node: TestNode, protocol: SdkProtocol): string {
  return protocol === "grpc" ? node.grpc : node.http;
}

function arrivedAt(sink: Sink, signal: Signal): string[] {
  return namesIn(sink.requests.filter((request) => request.signal === signal)).toSorted();
}

for (const protocol of SDK_PROTOCOLS) {
  for (const gzip of [false, true]) {
    const how = `${protocol}${gzip ? " with gzip" : ""}`;
    test(`SDK programs over ${how}: all that they record arrives once, at the target of their service`, async () => {
      await using shops = await openGrpcSink();
      await using others = await openHttpSink();
      await using node = await startTestNode(withGzip(gzip), { sinks: { shops, others } });
      const address = addressOf(node, protocol);
      await using shop = new SdkProgram("shop-1", exportersTo(protocol, address, gzip));
      await using mail = new SdkProgram("mail", exportersTo(protocol, address, gzip));
      const [sold, mailed] = [names(1_000, "sold"), names(250, "mailed")];
      shop.record(sold);
      mail.record(mailed);
      await Promise.all([shop.flush(), mail.flush()]);
      for (const signal of SIGNALS) {
        assert.deepEqual(arrivedAt(shops, signal), sold.toSorted(), signal);
        assert.deepEqual(arrivedAt(others, signal), mailed.toSorted(), signal);
      }
      await assertNoFaults(node);
    });
  }
}

// The exporters over gRPC do not try again.
for (const protocol of ["http/protobuf", "http/json"] as const) {
  test(`SDK program over ${protocol}: what it records while the router is away arrives when it is back, once`, async () => {
    await using shops = await openGrpcSink();
    await using others = await openHttpSink();
    const first = await startTestNode(BY_SERVICE, { sinks: { shops, others } });
    const address = first.http;
    const shop = new SdkProgram("shop-1", exportersTo(protocol, address, false));
    shop.record(["before"]);
    await shop.flush();
    await first[Symbol.asyncDispose]();
    shop.record(["while_away"]);
    const flushed = shop.flush();
    await cutOne(address);
    const config = { ...BY_SERVICE, node: { listen: { otlp_http: { address } } } };
    await using node = await startTestNode(config, { sinks: { shops, others } });
    await flushed;
    await shop[Symbol.asyncDispose](); // before the node: it exports what it has
    for (const signal of ["traces", "logs"] as const) {
      assert.deepEqual(arrivedAt(shops, signal), ["before", "while_away"], signal);
    }
    // Metrics are cumulative: each export tells all of them, the one at the end, too.
    const metrics = ["before", "before", "before", "while_away", "while_away"];
    assert.deepEqual(arrivedAt(shops, "metrics"), metrics);
    await assertNoFaults(node);
  });
}

/** Listens there until somebody comes, and cuts the connection. */
async function cutOne(address: string): Promise<void> {
  const server = createServer().listen(Number(address.slice(address.lastIndexOf(":") + 1)), "127.0.0.1");
  const [socket] = (await once(server, "connection")) as [Socket];
  server.close();
  resetSocket(socket);
  await once(server, "close");
}

function withGzip(gzip: boolean): Record<string, unknown> {
  const compression = gzip ? "gzip" : "none";
  return { ...BY_SERVICE, targets: BY_SERVICE.targets.map((target) => ({ ...target, compression })) };
}
