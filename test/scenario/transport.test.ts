import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { TEST_HTTP_TRANSPORT, TEST_TRANSPORT } from "../support/transport.ts";
import { FRAME, frame } from "../transport/frames.ts";

/**
 * Our own HTTP/1.1 and HTTP/2 count the faults of their peers, node:http and node:http2 tell of
 * none: so each can be told from the other.
 */
const COUNTS = TEST_TRANSPORT === "own";

test(`listeners and targets of a test node use transport: ${TEST_TRANSPORT}`, async () => {
  const target = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume().write(Buffer.concat([frame(FRAME.SETTINGS), frame(FRAME.PING, 0, Buffer.alloc(7))]));
  });
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  assert.ok(address !== null && typeof address === "object");
  {
    await using node = await startTestNode({
      node: { limits: { request_timeout: "500ms" } },
      targets: [{ id: "a", endpoint: `http://127.0.0.1:${address.port}` }],
      default_pool: { targets: ["a"], retry: { max_retries: 0 } },
    });
    await using sender = new OtlpSender(node);
    await sender.send("http", "traces", Buffer.from("0a06120412022a00", "hex"));
    assert.equal((await node.metric("http2Faults", "client", "frame_size")) > 0, COUNTS);
    const [host = "", port = ""] = node.grpc.split(":");
    const wrong = net.connect({ host, port: Number(port) }, () => wrong.end("GET / HTTP/1.1\r\n\r\n"));
    await once(wrong.resume(), "close");
    const odd = net.connect(Number(node.http.split(":")[1]), "127.0.0.1", () => odd.end("NO\r\n\r\n"));
    await once(odd.resume(), "close");
    assert.equal((await node.metric("http1Faults", "bad_request_line")) > 0, TEST_HTTP_TRANSPORT === "own");
    assert.equal((await node.metric("http2Faults", "server", "bad_preface")) > 0, COUNTS);
  }
  target.close();
  await once(target, "close");
});
