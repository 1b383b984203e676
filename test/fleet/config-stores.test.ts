import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { Mirror, mirrorKey } from "../../src/control/truth/mirror.ts";
import { StoreTruth } from "../../src/control/truth/store-truth.ts";
import { openStore } from "../../src/store/open-store.ts";
import { forgetfulMemory } from "../../src/store/recipes/fleet-memory.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import type { StoreSettings } from "../../src/store/store.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { ConsulServer } from "../support/consul-server.ts";
import { EtcdServer } from "../support/etcd-server.ts";

const { signal } = new AbortController();
const log = createLog({ clock: systemClock, write: () => {}, level: "error", format: "json", colour: false });
const TEXT = "targets: [{ id: a, endpoint: http://127.0.0.1:1 }]\n";

const STORES: Readonly<Record<string, () => Promise<AsyncDisposable & { readonly settings: StoreSettings }>>> = {
  async etcd() {
    const server = await EtcdServer.open();
    const settings: StoreSettings = {
      kind: "etcd",
      endpoints: server.endpoints,
      tls: undefined,
      user: undefined,
      compact: false,
    };
    return { settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
  async consul() {
    const server = await ConsulServer.open();
    const settings: StoreSettings = { kind: "consul", endpoints: [server.url], tls: undefined, token: undefined };
    return { settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
};

for (const [kind, open] of Object.entries(STORES)) {
  test(`${kind}: what is published is followed, and what people put into the mirror is taken by its revision`, async () => {
    await using server = await open();
    const [clock, random] = [systemClock, seededRandom(1)];
    await using store = await openStore(server.settings, { clock, random, observer: UNOBSERVED });
    const place = { store, prefix: "/t", clock, random, memory: forgetfulMemory() };
    const truth = new StoreTruth(place);
    const first = { expected: { version: 0, text: "" }, text: TEXT, publish: { init: true } };
    assert.equal((await truth.propose(first)).kind, "taken");
    const told: { readonly kind: string; readonly resolve: () => void }[] = [];
    const until = (wanted: string): Promise<void> =>
      new Promise((resolve) => void told.push({ kind: wanted, resolve }));
    const written = until("written");
    const check = async (text: string): Promise<readonly string[]> => (text.includes("#bad") ? ["bad"] : []);
    const more = {
      log,
      check,
      told: (news: { kind: string }) => told.find((one) => one.kind === news.kind)?.resolve(),
    };
    await using mirror = new Mirror(place, undefined, more);
    await written;
    for (const [wanted, text] of [
      ["taken", `${TEXT}#by hand\n`],
      ["refused", `${TEXT}#bad\n`],
    ] as const) {
      const done = until(wanted);
      const put = { kind: "put", key: mirrorKey("/t"), value: new TextEncoder().encode(text) } as const;
      await store.txn({ if: [], then: [put] }, { signal });
      await done;
    }
    const now = await truth.read({ signal });
    assert.ok(now.kind === "document");
    assert.deepEqual([now.version, now.text], [2, `${TEXT}#by hand\n`]);
    assert.equal((await mirror.sync({ signal })).kind, "same");
  });
}
