import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import type { StoreSettings } from "../store/store.ts";
import { sharesLimits } from "./fleet/link-to-fleet.ts";
import { storeSettings } from "./store-settings.ts";

const PEM: Readonly<Record<string, string>> = {
  "ca.pem": "-----BEGIN CERTIFICATE-----\nca\n",
  "cert.pem": "-----BEGIN CERTIFICATE-----\nown\n",
  "key.pem": "-----BEGIN PRIVATE KEY-----\nkey\n",
};

function settingsOf(coordination: string, dataDir?: string): StoreSettings {
  const text = `node: { coordination: ${coordination} }\ntargets: [{ id: a, endpoint: http://127.0.0.1:1 }]\n`;
  const readFile = (path: string): string => PEM[path.replace(/^.*\//u, "")] ?? "";
  const { config, problems } = loadConfig(text, { file: "node.yaml", env: { PASSWORD: "secret" }, readFile });
  assert.ok(config !== undefined, JSON.stringify(problems));
  return storeSettings(config.node.coordination, dataDir);
}

test("the embedded store is a file in the data directory, or where the config says, or in memory", () => {
  assert.deepEqual(settingsOf("{}", "/data"), { kind: "embedded", file: "/data/store.sqlite" });
  assert.deepEqual(settingsOf("{ file: ../fleet.sqlite }", "/data/n1"), {
    kind: "embedded",
    file: "/data/fleet.sqlite",
  });
  const whole = { kind: "embedded", file: "/fleet.sqlite" };
  assert.deepEqual(
    [settingsOf("{ file: /fleet.sqlite }"), settingsOf("{ file: /fleet.sqlite }", "/n1")],
    [whole, whole],
  );
  for (const none of ["{}", "{ file: fleet.sqlite }"]) {
    assert.deepEqual(settingsOf(none), { kind: "embedded", file: ":memory:" });
  }
});

test("limits are shared by nodes of one store that are kept on disk, and by nobody where it is the node's own", () => {
  const shares = (node: string, dataDir?: string): boolean => {
    const { config, problems } = loadConfig(`node: ${node}\ntargets: [{ id: a, endpoint: http://127.0.0.1:1 }]\n`, {
      file: "node.yaml",
      env: {},
      readFile: () => "",
    });
    assert.ok(config !== undefined, JSON.stringify(problems));
    return sharesLimits(config.node, dataDir);
  };
  const etcd = "{ coordination: { type: etcd, endpoints: [http://127.0.0.1:2379] } }";
  const listen = "fleet: { listen: { address: 127.0.0.1:0 } }";
  const shared = `{ coordination: { file: /fleet.sqlite }, ${listen} }`;
  assert.deepEqual([shares(etcd, "/data"), shares(shared, "/data")], [true, true]);
  assert.deepEqual([shares(etcd), shares(shared)], [false, false], "nothing of it is kept");
  const own = [shares("{}", "/data"), shares(`{ ${listen} }`, "/data")];
  assert.deepEqual(own, [false, false]);
  assert.equal(shares("{ coordination: { file: /fleet.sqlite } }", "/data"), false, "nobody reaches it");
});

test("etcd with certificates from files, a user, and a password from the environment", () => {
  const tls = "{ ca: ca.pem, cert: cert.pem, key: key.pem, server_name: etcd.internal }";
  const user = 'username: signalbox, password: "${env:PASSWORD}"';
  const settings = settingsOf(
    `{ type: etcd, endpoints: ["https://a:2379", "https://b:2379"], compact: true, ${user}, tls: ${tls} }`,
  );
  assert.deepEqual(settings, {
    kind: "etcd",
    endpoints: ["https://a:2379", "https://b:2379"],
    tls: { ca: PEM["ca.pem"], cert: PEM["cert.pem"], key: PEM["key.pem"], serverName: "etcd.internal" },
    user: { name: "signalbox", password: "secret" },
    compact: true,
  });
});

test("consul with a token", () => {
  const settings = settingsOf('{ type: consul, endpoints: ["http://127.0.0.1:8500"], token: t }');
  assert.deepEqual(settings, { kind: "consul", endpoints: ["http://127.0.0.1:8500"], tls: undefined, token: "t" });
});
