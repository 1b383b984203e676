import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import net, { type Server } from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { type ConnectionRefusal, watchRefusals } from "./connection-refusal.ts";

function heard(event: string, ...args: readonly unknown[]): ConnectionRefusal {
  const server = new EventEmitter();
  const told: ConnectionRefusal[] = [];
  watchRefusals(server as Server, (refusal) => told.push(refusal));
  server.emit(event, ...args);
  assert.equal(told.length, 1);
  return told[0]!;
}

/**
 * Codes as OpenSSL 3 gives them in node 24; the first is what a client of Go or Java sends that
 * does not trust us.
 */
const CODES = [
  ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "rejected_by_peer"],
  ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "rejected_by_peer"],
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN", "rejected_by_peer"],
  ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "rejected_by_peer"],
  ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", "client_certificate"],
  ["ERR_SSL_HTTP_REQUEST", "not_tls"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "not_tls"],
  ["ERR_SSL_NO_APPLICATION_PROTOCOL", "no_alpn"],
  ["ERR_TLS_HANDSHAKE_TIMEOUT", "handshake_timeout"],
  ["ERR_SSL_NO_SHARED_CIPHER", "handshake"],
  ["ECONNRESET", "handshake"],
] as const;

for (const [code, reason] of CODES) {
  test(`connection refusal: ${code} is ${reason}`, () => {
    const error = Object.assign(new Error("0A000418:SSL routines:ssl3_read_bytes:alert:s3_pkt.c:1605:"), { code });
    const socket = { remoteAddress: "10.0.0.7", authorizationError: null, destroy: () => undefined };
    assert.deepEqual(heard("tlsClientError", error, socket), { reason, peer: "10.0.0.7", text: code });
  });
}

test("connection refusal: a certificate that is not accepted shows only in the socket", () => {
  const error = Object.assign(new Error("read"), { code: "ECONNRESET" });
  const socket = { remoteAddress: undefined, authorizationError: "DEPTH_ZERO_SELF_SIGNED_CERT" };
  const want = { reason: "client_certificate", peer: "", text: "DEPTH_ZERO_SELF_SIGNED_CERT" };
  assert.deepEqual(heard("tlsClientError", error, socket), want);
});

test("connection refusal: what is beyond the limit has the peer's address, where the system tells it", () => {
  assert.deepEqual(heard("drop", { remoteAddress: "::1" }), { reason: "limit", peer: "::1", text: "" });
  assert.deepEqual(heard("drop"), { reason: "limit", peer: "", text: "" });
});

test("connection refusal: who does not go on with the handshake is told of, and let go", {
  timeout: 20_000,
}, async (t) => {
  const server = tls.createServer({ handshakeTimeout: 20 });
  const told: ConnectionRefusal[] = [];
  watchRefusals(server, (refusal) => told.push(refusal));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const silent = net.connect(address.port, "127.0.0.1").resume();
  silent.on("error", () => undefined);
  t.after(() => silent.destroy());
  await once(silent, "close"); // by the server: it says nothing itself
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ["handshake_timeout"],
  );
  await once(server.close(), "close"); // no socket is left that counts
});
