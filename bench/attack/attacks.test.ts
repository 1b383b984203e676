import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import type { ListeningServer } from "../../src/core/sockets/listening-server.ts";
import { listenUnary } from "../../src/http2/own/listen-unary.ts";
import { requestOf } from "../../test/support/items.ts";
import { startTestNode } from "../../test/support/node.ts";
import { OtlpSender } from "../../test/support/otlp-sender.ts";
import { openGrpcSink } from "../../test/support/sinks/grpc-sink.ts";
import { ATTACKS } from "./attacks.ts";
import { Line } from "./line.ts";

/** More than any burst that is allowed. */
const MAX_FRAMES = 5_000;

function listen(): Promise<ListeningServer> {
  const options = {
    host: "127.0.0.1",
    port: 0,
    handler: () => ({
      maxMessageBytes: 4_194_304,
      length: () => undefined,
      message: () => undefined,
      cancelled: () => undefined,
    }),
    maxConcurrentStreams: 256,
    maxHeaderBytes: 16_384,
    maxConnections: 10,
    maxConnectionAgeMs: 0,
    maxConnectionAgeGraceMs: 0,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 0,
  };
  return listenUnary(options, { clock: systemClock, random: systemRandom });
}

/** What the server says when it ends the connection. */
function attacked(port: number, name: string): Promise<string> {
  const attack = ATTACKS.find((each) => each.name === name) ?? assert.fail(`no attack is named ${name}`);
  return new Promise((resolve) => {
    let last = "";
    const line = new Line({
      port,
      settings: attack.settings ?? [],
      reads: true,
      ready: () => {
        const next = attack.begin(line);
        for (let frames = 0; frames < MAX_FRAMES; ) {
          const step = next();
          if (step === undefined) break;
          frames += step.frames;
          line.write(step.bytes);
        }
      },
      got: (what) => (last = what),
      lost: () => resolve(last),
    });
  });
}

const ended = [
  ["header-list", "GOAWAY ENHANCE_YOUR_CALM"],
  ["hpack-expansion", "GOAWAY ENHANCE_YOUR_CALM"],
  ["continuation", "GOAWAY ENHANCE_YOUR_CALM"],
  ["rapid-reset", "GOAWAY ENHANCE_YOUR_CALM"],
  ["settings", "GOAWAY ENHANCE_YOUR_CALM"],
  ["ping", "GOAWAY ENHANCE_YOUR_CALM"],
  ["empty-data", "GOAWAY ENHANCE_YOUR_CALM"],
  ["padding", "GOAWAY ENHANCE_YOUR_CALM"],
  ["window-update", "GOAWAY ENHANCE_YOUR_CALM"],
  ["window-overflow", "GOAWAY FLOW_CONTROL_ERROR"],
  ["too-many-streams", "GOAWAY ENHANCE_YOUR_CALM"],
  ["priority", "GOAWAY ENHANCE_YOUR_CALM"],
  ["unknown-frames", "GOAWAY ENHANCE_YOUR_CALM"],
  ["push-promise", "GOAWAY PROTOCOL_ERROR"],
  ["stream-ids", "GOAWAY PROTOCOL_ERROR"],
  ["half-closed", "GOAWAY STREAM_CLOSED"],
] as const;

for (const [name, what] of ended) {
  test(`bench attack: ${name} is an attack: the server ends it with ${what}`, async () => {
    await using server = await listen();
    assert.equal(await attacked(server.port, name), what);
  });
}

test("bench attack: a whole node ends each of them in the same way, and goes on to serve others", async () => {
  await using sink = await openGrpcSink();
  const listener = { transport: "own", max_concurrent_streams: 256 };
  await using node = await startTestNode({ node: { listen: { otlp_grpc: listener } } }, { sinks: { a: sink } });
  await using sender = new OtlpSender(node);
  const serves = async (): Promise<void> => {
    assert.ok((await sender.send("grpc", "traces", requestOf("traces", [{ name: "s" }]))).ok);
  };
  await serves();
  const port = Number(node.grpc.split(":")[1]);
  for (const [name, what] of ended) {
    assert.equal(await attacked(port, name), what, name);
    await serves();
  }
  assert.equal(sink.counts().connections, 1);
});

test("bench attack: all that no limit ends are those that hold something back, or send what is allowed", () => {
  const names = ATTACKS.map(({ name }) => name).filter((name) => !ended.some(([other]) => other === name));
  assert.deepEqual(names, ["neighbour", "tiny-data", "zero-window", "slow-reading", "slow-sending"]);
});
