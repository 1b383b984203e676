import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import tls, { type TLSSocket } from "node:tls";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { Secret } from "../../src/core/secret.ts";
import { openHttp2Link } from "../../src/server/fleet/http2-link.ts";
import { listenOptions } from "../../src/server/listen-options.ts";
import { createAuthority, type Identity, type TestAuthority } from "../support/certs.ts";
import { startTestNode, type TestNode } from "../support/node.ts";
import { viewOf } from "../fleet/node-view.ts";
import { Sender } from "../scenario/fault-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { openHttpSink } from "../support/sinks/http-sink.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-certificates-"));
after(() => rmSync(folder, { recursive: true }));

let authority: TestAuthority;
let stranger: TestAuthority;
before(async () => {
  authority = await createAuthority();
  stranger = await createAuthority("Somebody else");
});

/** The system's, on which the looks at files, every 10 s and 1 s later, come soon. */
const QUICK: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms === 10_000 ? 50 : ms === 1_000 ? 10 : ms, run),
};

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function writeIdentity(name: string, { cert, key }: Identity): { cert: string; key: string } {
  return { cert: write(`${name}.pem`, cert), key: write(`${name}.key`, key) };
}

async function connect(address: string): Promise<TLSSocket> {
  const [host, port] = address.split(":");
  const socket = tls.connect({ host, port: Number(port), ca: authority.ca, ALPNProtocols: ["h2", "http/1.1"] });
  await once(socket, "secureConnect");
  return socket;
}

/** The serial number that a listener shows now. */
async function shown(address: string): Promise<string> {
  const socket = await connect(address);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

function serialOf({ cert }: Identity): string {
  return new X509Certificate(cert).serialNumber;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5);
}

const LISTENERS = ["otlp_grpc", "otlp_http", "admin", "sampling_http", "sampling_grpc"];

test("certificates: those of all listeners are applied when they are renewed in place, and connections stay", async () => {
  const [first, second] = [await authority.server(), await authority.server()];
  const files = writeIdentity("listener", first);
  const listen = Object.fromEntries(LISTENERS.map((name) => [name, { tls: files }]));
  await using node = await startTestNode({ node: { listen }, unmatched: "drop" }, { clock: QUICK });
  const { admin = "", samplingHttp = "", samplingGrpc = "" } = node.running.addresses;
  const addresses = [node.grpc, node.http, admin, samplingHttp, samplingGrpc];
  for (const address of addresses) assert.equal(await shown(address), serialOf(first));
  const open = await Promise.all(addresses.map(connect));
  writeIdentity("listener", second);
  for (const address of addresses) await until(async () => (await shown(address)) === serialOf(second));
  for (const socket of open) assert.equal(socket.destroyed, false);
  assert.deepEqual(node.running.walk.status.restartRequired, []);
  for (const socket of open) socket.destroy();
});

test("certificates: those of a fleet's listener, and its tokens, are applied when they are renewed in place", async () => {
  const [first, second] = [await authority.server(), await authority.server()];
  const fleet = {
    listen: { address: "127.0.0.1:0", tls: writeIdentity("fleet", first) },
    token: `\${file:${write("fleet-token", "one")}}`,
    accept_tokens: [`\${file:${write("fleet-token-next", "two")}}`],
  };
  const config = { node: { id: "n1", region: "eu", data_dir: join(folder, "fleet"), fleet }, unmatched: "drop" };
  await using node = await startTestNode(config, { clock: QUICK, file: join(folder, "fleet.yaml") });
  const address = (await viewOf(node)).addresses.fleet ?? "";
  assert.equal(await shown(address), serialOf(first));
  const asked = async (token: string): Promise<string> => {
    const shows = new Secret(token);
    const options = { token: () => shows, tls: { ca: authority.ca }, clock: systemClock };
    await using link = openHttp2Link({ id: "n1", address, tls: true }, { ...options, random: seededRandom(1) });
    const request = { protocol: 1, region: "elsewhere", limit: 1 };
    return (await link.call("members", request, { signal: new AbortController().signal, timeoutMs: 20_000 })).kind;
  };
  assert.deepEqual(await Promise.all(["one", "two", "three"].map(asked)), ["not_leader", "not_leader", "refused"]);
  writeIdentity("fleet", second);
  write("fleet-token", "two");
  write("fleet-token-next", "three");
  await until(async () => (await shown(address)) === serialOf(second));
  await until(async () => (await asked("three")) === "not_leader");
  assert.equal(await asked("two"), "not_leader");
  assert.equal(await asked("one"), "refused");
  assert.deepEqual(node.running.walk.status.restartRequired, []);
  const places = [...node.env.metrics.certificateExpiry.series.values()].map(({ labels }) => labels[0]);
  assert.deepEqual(places, ["node.fleet.listen.tls.cert"]);
});

test("certificates: a renewal that is no pair is told and leaves all as it is, until it is one", async () => {
  const [first, second] = [await authority.server(), await authority.server()];
  const files = writeIdentity("pair", first);
  const listen = { otlp_grpc: { tls: files } };
  await using node = await startTestNode({ node: { listen }, unmatched: "drop" }, { clock: QUICK });
  write("pair.key", second.key);
  await until(() => node.lines.some(({ msg, reason }) => String(msg).includes("not applied") && reason !== undefined));
  const told = node.lines.find(({ msg }) => String(msg).includes("not applied"));
  assert.match(String(told?.["reason"]), /node\.listen\.otlp_grpc\.tls/u);
  assert.equal(await shown(node.grpc), serialOf(first));
  write("pair.pem", second.cert);
  await until(async () => (await shown(node.grpc)) === serialOf(second));
});

test("certificates: a renewal while the node stops, and after that, ends, and holds up nothing", async () => {
  const identity = writeIdentity("stops", await authority.server());
  const listen = Object.fromEntries(["otlp_grpc", "otlp_http"].map((name) => [name, { tls: identity }]));
  await using node = await startTestNode({ node: { listen }, unmatched: "drop" });
  (await connect(node.grpc)).on("error", () => undefined); // it is ended
  const { dataPlane, walk } = node.running;
  const renewed = listenOptions(walk.status.running.node);
  const stopped = node.running.stop();
  await dataPlane.renew(renewed);
  await node.running.reload();
  await stopped;
  await dataPlane.renew(renewed);
});

test("certificates: a renewal of a fleet's listener that is no pair is told, and leaves all as it is", async () => {
  const [first, second] = [await authority.server(), await authority.server()];
  const fleet = { listen: { address: "127.0.0.1:0", tls: writeIdentity("fleet-pair", first) }, token: "t" };
  const config = { node: { id: "n1", region: "eu", data_dir: join(folder, "pair"), fleet }, unmatched: "drop" };
  await using node = await startTestNode(config, { clock: QUICK, file: join(folder, "pair.yaml") });
  const address = (await viewOf(node)).addresses.fleet ?? "";
  write("fleet-pair.key", second.key);
  await until(() => node.lines.some(({ reason }) => String(reason).includes("node.fleet.listen.tls")));
  assert.equal(await shown(address), serialOf(first));
});

for (const [protocol, open] of [
  ["grpc", openGrpcSink],
  ["http/protobuf", openHttpSink],
] as const) {
  test(`certificates: an authority of a target that is renewed holds for its next connections: ${protocol}`, async () => {
    await using sink = await open({ tls: await authority.server() });
    const ca = write(`ca-${protocol.slice(0, 4)}.pem`, stranger.ca);
    const target = { id: "a", endpoint: "https://127.0.0.1:1", protocol, tls: { ca }, health_check: false };
    const config = { targets: [target], pools: { p: { targets: ["a"], ack: "queued" } }, default_pool: "p" };
    await using node = await startTestNode(config, { sinks: { a: sink }, clock: QUICK });
    await using sender = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s" });
    assert.equal((await sender.sendOne()).answer.kind, "taken");
    await until(async () => (await sends(node, "connect")) > 0);
    writeFileSync(ca, authority.ca);
    await sink.until(({ accepted }) => accepted >= 1);
    const { targets } = await node.status();
    assert.notEqual(targets[0]?.reason, "added");
  });
}

test("certificates: when they end is a metric, and one that ends soon is told", async () => {
  const identity = await authority.server();
  const listen = { otlp_http: { tls: writeIdentity("ends", identity) } };
  const targets = [{ id: "a", endpoint: "https://127.0.0.1:1", tls: { ca: write("ends-ca.pem", authority.ca) } }];
  await using node = await startTestNode({ node: { listen }, targets });
  const endsSeconds = new X509Certificate(identity.cert).validToDate.getTime() / 1_000;
  const { series } = node.env.metrics.certificateExpiry;
  const shownOnes = [...series.values()].map(({ labels, series: gauge }) => [labels[0], gauge.value]);
  assert.deepEqual(shownOnes.map(([place]) => String(place)).toSorted(), [
    "node.listen.otlp_http.tls.cert",
    "targets.a.tls.ca",
  ]);
  assert.equal(new Map(shownOnes as [string, number][]).get("node.listen.otlp_http.tls.cert"), endsSeconds); // oxlint-disable-line typescript/no-unsafe-type-assertion -- pairs
  const soon = node.lines.filter(({ msg }) => msg === "a certificate ends soon").map(({ place }) => String(place));
  assert.deepEqual(soon.toSorted(), ["node.listen.otlp_http.tls.cert", "targets.a.tls.ca"]); // valid for a day
});

function sends(node: TestNode, outcome: string): Promise<number> {
  return node.metric("exportSends", "a", outcome);
}
