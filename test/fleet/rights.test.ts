import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { openStore } from "../../src/store/open-store.ts";
import { UNOBSERVED } from "../../src/store/store-metrics.ts";
import type { EmbeddedSettings, Store, StoreSettings } from "../../src/store/store.ts";
import { type Fence, readPage, ROOT } from "../docs/pages.ts";
import { obeyEtcdctl } from "../store/etcd/etcd-users.ts";
import { ConsulServer } from "../support/consul-server.ts";
import { EtcdServer } from "../support/etcd-server.ts";
import { RealFleet, type StoreCredentials } from "../support/fleet/real-fleet.ts";
import { follows, rollOf, run, until, untilEqual } from "./node-view.ts";

const DOCUMENT = {
  targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
  default_pool: { targets: ["a"] },
  global: {
    sampling_strategies: [{ type: "cost_based", budget_per_hour: 1, cost_per_span: 0.001 }],
    degradation: { threshold: 0.8, target_rate: 0.01, recovery_threshold: 0.6 },
  },
};
const WORLD = { clock: systemClock, random: systemRandom, observer: UNOBSERVED };
const CALL = { signal: new AbortController().signal };
const { fences } = readPage("docs/fleet-config.md", readFileSync(join(ROOT, "docs/fleet-config.md"), "utf8"));

const KINDS = ["collector", "controller", "operator"] as const;
const MadeToken = z.object({ SecretID: z.string() });
type Rights = Readonly<Record<(typeof KINDS)[number], StoreCredentials>>;

for (const { name, open } of [
  { name: "etcd, with the roles", open: openEtcd },
  { name: "Consul, with the policies", open: openConsul },
]) {
  test(`${name} of docs/fleet-config.md: who collects, controls or operates does its part, and no more`, async () => {
    await using guarded = await open();
    const { collector, controller, operator } = guarded.rights;
    await using fleet = new RealFleet(guarded.settings, "/otlp", { operator });
    await fleet.publish(DOCUMENT, "--init");
    const o1 = await fleet.inProcess({ id: "o1", region: "us" });
    await follows(o1, "o1");
    const c1 = await fleet.inProcess({ id: "c1", region: "eu", credentials: controller });
    const n1 = await fleet.inProcess({ id: "n1", region: "eu", roles: ["collector"], credentials: collector });
    await follows(n1, "c1");
    await fleet.publish({ ...DOCUMENT, unmatched: "drop" });
    await run([o1, c1, n1], 2);
    await untilEqual("eu: c1 > c1 n1, us: o1 > o1", () => rollOf(o1));
    // What each writes after that.
    await until(async () => {
      const { entries } = await guarded.store.list("/otlp/", CALL);
      const keys = new Set(entries.map(({ key }) => key));
      const wanted = ["regions/eu", "sampling/eu", "collectors/c1", "config/mirror"];
      return wanted.every((key) => keys.has(`/otlp/${key}`)) || undefined;
    });
    for (const command of [
      ["doctor", "-c", fleet.document],
      ["degrade", "set", "on", "--fleet", "-u", o1.admin],
      ["leader", "transfer", "-c", fleet.document, "--scope", "region.eu", "--to", "c1"],
    ]) {
      const { out, err, code } = await fleet.cli(...command);
      assert.equal(code, 0, `${command.join(" ")}: ${out} ${err}`);
    }
    for (const [kind, credentials] of Object.entries({ collector, controller })) {
      const file = join(fleet.folder, `as-${kind}.yaml`);
      writeFileSync(file, JSON.stringify({ node: { coordination: fleet.coordinationOf(credentials) }, ...DOCUMENT }));
      const { code, err } = await fleet.cli("config", "apply", file);
      assert.match(`${code} ${err}`, /^1 .*denied/isu);
    }
    const refused = [o1, c1, n1].map(({ lines }) => lines.filter((line) => /denied/iu.test(JSON.stringify(line))));
    const told = refused.map((lines) => lines.map(({ msg, election }) => `${String(msg)}: ${String(election)}`));
    assert.deepEqual(told, [[], ["the store lets this node stand for no such election: global"], []]);
  });
}

/** A store that asks everybody who he is. */
interface GuardedStore extends AsyncDisposable {
  readonly settings: Exclude<StoreSettings, EmbeddedSettings>;
  readonly rights: Rights;
  /** As an operator sees it. */
  readonly store: Store;
}

async function openEtcd(): Promise<GuardedStore> {
  await using parts = new AsyncDisposableStack();
  const etcd = parts.use(await EtcdServer.open());
  await obeyEtcdctl(etcd.only.endpoint, commandsOf("etcdctl"));
  const rightsOf = (username: string): StoreCredentials => ({ username, password: username });
  const settings = { kind: "etcd", endpoints: etcd.endpoints, compact: false } as const;
  const user = { name: "operator", password: "operator" };
  const store = parts.use(await openStore({ ...settings, user }, WORLD));
  const ended = parts.move();
  return {
    settings,
    rights: { collector: rightsOf("collector"), controller: rightsOf("controller"), operator: rightsOf("operator") },
    store,
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

async function openConsul(): Promise<GuardedStore> {
  await using parts = new AsyncDisposableStack();
  const consul = parts.use(await ConsulServer.open({ manager: randomUUID() }));
  const policies = fences.filter(({ info }) => info === "hcl").map(({ text }) => text);
  const rights = new Map<string, StoreCredentials>();
  for (const [, kind, , ...options] of commandsOf("consul")) {
    const valuesOf = (name: string): string[] => options.filter((_, i) => options[i - 1] === name);
    if (kind === "policy") {
      await consul.ask("PUT", "acl/policy", { Name: valuesOf("-name")[0], Rules: policies.shift() });
    } else {
      const Policies = valuesOf("-policy-name").map((Name) => ({ Name }));
      const made = MadeToken.parse(await consul.ask("PUT", "acl/token", { Policies }));
      rights.set(valuesOf("-description")[0]!, { token: made.SecretID });
    }
  }
  assert.deepEqual(policies, [], "each has a command");
  const [collector, controller, operator] = KINDS.map((kind) => rights.get(kind)!);
  const { settings } = consul;
  const store = parts.use(await openStore({ ...settings, ...operator }, WORLD));
  const ended = parts.move();
  return {
    settings,
    rights: { collector: collector!, controller: controller!, operator: operator! },
    store,
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

/** As lists of words: what a shell makes of the page's commands of this program. */
function commandsOf(program: string): string[][] {
  const isOfIt = ({ text }: Fence): boolean => text.includes(`${program} `) && /^for /mu.test(text);
  const page = fences.find(isOfIt)?.text ?? assert.fail(`no commands of ${program}`);
  const { status, stdout, stderr } = spawnSync("sh", ["-e", "-c", `${program}() { echo "$*"; }\n${page}`], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" "));
}
