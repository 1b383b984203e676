import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EXIT } from "../../src/cli/command.ts";
import { createAuthority } from "../support/certs.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";
import { runSend } from "./command-io.ts";

const FAST = ["--rate", "0", "--count", "10", "--items-per-request", "10", "--retries", "0", "-o", "json"];
let folder = "";
let tls: { cert: string; key: string; ca: string };

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-send-"));
  const authority = await createAuthority();
  const [server, client] = [await authority.server(), await authority.client()];
  tls = { ...server, ca: authority.ca };
  writeFileSync(join(folder, "ca.pem"), authority.ca);
  writeFileSync(join(folder, "client.pem"), client.cert);
  writeFileSync(join(folder, "client.key"), client.key);
});
after(() => rmSync(folder, { recursive: true }));

for (const { protocol, open } of [
  { protocol: "grpc", open: openGrpcSink },
  { protocol: "http", open: openHttpSink },
] as const) {
  test(`send over ${protocol} and TLS: a trusted server, and a client with a certificate`, async () => {
    await using sink = await open({ tls });
    const certificates = ["--ca", "ca.pem", "--cert", "client.pem", "--key", "client.key"].map((text) =>
      text.startsWith("-") ? text : join(folder, text),
    );
    const ran = await runSend([`127.0.0.1:${sink.port}`, ...FAST, "-p", protocol, ...certificates]);
    assert.equal(ran.code, EXIT.ok, ran.stdout);
    assert.equal(sink.counts().acceptedItems, 10);
  });

  test(`send over ${protocol} and TLS: an unknown authority is nobody to talk to, unless --insecure`, async () => {
    await using sink = await open({ tls: { cert: tls.cert, key: tls.key } });
    const refused = await runSend([sink.url, ...FAST, "-p", protocol]);
    assert.equal(refused.code, EXIT.unreachable, refused.stdout);
    const taken = await runSend([sink.url, ...FAST, "-p", protocol, "--insecure"]);
    assert.equal(taken.code, EXIT.ok, taken.stdout);
  });
}
