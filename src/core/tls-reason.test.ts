import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import tls, { type ConnectionOptions } from "node:tls";
import { createAuthority } from "../../test/support/certs.ts";
import { reasonOf } from "./errors.ts";

async function faultOf(port: number, options: ConnectionOptions): Promise<unknown> {
  const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ...options });
  socket.resume(); // what refuses a certificate comes after the handshake
  socket.on("secureConnect", () => socket.write("x"));
  const [cause] = (await once(socket, "error")) as [unknown];
  socket.destroy();
  return cause;
}

test("faults of TLS are told in words, with what mends them, and without a line of OpenSSL's", async (t) => {
  const authority = await createAuthority();
  const { cert, key } = await authority.server(["localhost"]);
  const plain = createServer((socket) => socket.on("error", () => undefined).end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const secure = tls.createServer({ cert, key });
  const strict = tls.createServer({ cert, key, ca: authority.ca, requestCert: true, rejectUnauthorized: true });
  const sockets: Socket[] = [];
  const newer = tls.createServer({ cert, key, ALPNProtocols: ["h2"] });
  const servers = [plain, secure, strict, newer];
  for (const server of servers) {
    server.on("tlsClientError", () => undefined);
    server.on("connection", (socket: Socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }
  const portOf = (server: (typeof servers)[number]): number => (server.address() as { port: number }).port;
  const ca = authority.ca;
  const cases: [string, number, ConnectionOptions, RegExp][] = [
    ["no TLS", portOf(plain), { ca }, /does not speak TLS there: write http:\/\//u],
    [
      "an authority that is not known",
      portOf(secure),
      {},
      /signed by nobody who is trusted here: targets\[\]\.tls\.ca/u,
    ],
    [
      "another name",
      portOf(secure),
      { ca, servername: "other.test" },
      /for other names: .*targets\[\]\.tls\.server_name/u,
    ],
    [
      "no certificate of ours",
      portOf(strict),
      { ca },
      /takes? the certificate of this side, or wants one: targets\[\]\.tls\.cert/u,
    ],
    [
      "no protocol in common",
      portOf(newer),
      { ca, ALPNProtocols: ["http/1.1"] },
      /HTTP\/1\.1 for http\/protobuf and http\/json, HTTP\/2 for grpc \(targets\[\]\.protocol\)/u,
    ],
  ];
  for (const [name, port, options, want] of cases) {
    await t.test(name, async () => {
      const text = reasonOf(await faultOf(port, options));
      assert.match(text, want);
      assert.ok(!/error:|routines|:SSL|\n/u.test(text), text);
    });
  }
  for (const socket of sockets) socket.destroy();
  for (const server of servers) await new Promise<void>((resolve) => void server.close(() => resolve()));
});

const pem = (label: string): string => `-----BEGIN ${label}-----\nbm90IG9uZQ==\n-----END ${label}-----\n`;
for (const options of [{ cert: pem("CERTIFICATE") }, { key: pem("PRIVATE KEY") }, { key: "x" }]) {
  test(`PEM that is none is told so: ${JSON.stringify(options).slice(0, 40)}`, () => {
    assert.throws(
      () => tls.createSecureContext(options),
      (cause) => /^it is no PEM that can be read$/u.test(reasonOf(cause)),
    );
  });
}

test("other faults keep their own words", () => {
  assert.equal(
    reasonOf(Object.assign(new Error("connect ECONNREFUSED 1.2.3.4:5"), { code: "ECONNREFUSED" })),
    "connect ECONNREFUSED 1.2.3.4:5",
  );
  assert.equal(reasonOf("text"), "text");
});
