import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { once } from "node:events";
import type { Server } from "node:net";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { GRPC_TRANSPORTS } from "../../src/core/grpc-transport.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openClient } from "../../src/data/export/client.ts";
import { openTarget } from "../../src/data/export/target.ts";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { TargetPlan } from "../../src/plan/plan.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { targetPlan } from "./pool-rig.ts";
import { batchOf } from "./send.ts";

const REPORT = "TEXT cpu_utilization=0.3, mem_utilization=0.8";

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** Sends one batch there; gives how it ended and how loaded the target says it is. */
async function sendTo(port: number, more: Partial<TargetPlan>): Promise<[SendOutcome["kind"], number | undefined]> {
  const plan = targetPlan("t", { url: `http://127.0.0.1:${port}`, ...more });
  const env = { clock: systemClock, random: seededRandom(1), metrics: createMetrics() };
  const target = openTarget(plan, (current) => openClient(current, env), env);
  const ended = Promise.withResolvers<SendOutcome>();
  target.send(batchOf(), { timeoutMs: 10_000, cut: false }, () => false, ended.resolve);
  const { kind } = await ended.promise;
  await target.retire();
  return [kind, target.load.reported(systemClock.nowMs())?.utilisation];
}

for (const transport of GRPC_TRANSPORTS) {
  for (const place of ["trailers", "head"] as const) {
    test(`the load that a gRPC target reports in its ${place} is read (${transport})`, async () => {
      const server = createHttp2Server();
      server.on("stream", (stream) => {
        stream.on("error", () => undefined);
        const report = { "endpoint-load-metrics": REPORT };
        const head = { ":status": 200, "content-type": "application/grpc", ...(place === "head" && report) };
        stream.respond(head, { waitForTrailers: true });
        stream.on("wantTrailers", () =>
          stream.sendTrailers({ "grpc-status": "0", ...(place === "trailers" && report) }),
        );
        stream.resume();
        stream.on("end", () => stream.end(Buffer.alloc(5)));
      });
      const port = await portOf(server);
      assert.deepEqual(await sendTo(port, { transport }), ["accepted", 0.3]);
      server.close();
    });
  }
}

const cases = [
  { name: "an answer", status: 200, report: REPORT, want: ["accepted", 0.3] },
  { name: "a refusal", status: 503, report: 'JSON {"cpu_utilization": 0.95}', want: ["retry", 0.95] },
  { name: "an answer without a report", status: 200, report: undefined, want: ["accepted", undefined] },
  { name: "an answer with something else", status: 200, report: "busy", want: ["accepted", undefined] },
] as const;
for (const { name, status, report, want } of cases) {
  test(`the load that an HTTP target reports: ${name}`, async () => {
    const server = createHttpServer((request, reply) => {
      request.resume();
      request.on("end", () =>
        reply.writeHead(status, report === undefined ? {} : { "endpoint-load-metrics": report }).end(),
      );
    });
    const port = await portOf(server);
    assert.deepEqual(await sendTo(port, { protocol: "http/protobuf" }), want);
    server.close();
  });
}
