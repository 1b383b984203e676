import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { Secret } from "../../src/core/secret.ts";
import { openHttp2Link } from "../../src/server/fleet/http2-link.ts";
import { createAuthority, type Identity, type TestAuthority } from "../support/certs.ts";
import type { EtcdServer } from "../support/etcd-server.ts";
import { RealFleet } from "../support/fleet/real-fleet.ts";
import type { TestNode } from "../support/node.ts";
import { PATIENCE_MS } from "../support/patience.ts";
import { follows, rollOf, run, until, untilEqual, viewOf } from "./node-view.ts";

const TOKEN = "a-token";
const SECRET = new Secret(TOKEN);
const DOCUMENT = { targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }], default_pool: { targets: ["a"] } };

/** Certificates in files, as nodes have them. */
class Papers {
  readonly ca: string;
  readonly #folder: string;
  readonly #authority: TestAuthority;

  constructor(folder: string, authority: TestAuthority) {
    this.#folder = folder;
    this.#authority = authority;
    this.ca = this.#write("ca.pem", authority.ca);
  }

  /** `node.fleet` of a collector, whose certificate is that of the node `named`. */
  async member(named: string): Promise<Record<string, unknown>> {
    const { cert, key } = this.#pair(named, await this.#authority.client(named, [`spiffe://fleet.example/${named}`]));
    return { token: TOKEN, tls: { ca: this.ca, cert, key }, listen: false };
  }

  /** And of a controller. */
  async controller(id: string): Promise<Record<string, unknown>> {
    const { cert, key } = this.#pair(`${id}-listener`, await this.#authority.server());
    const tls = { cert, key, client_ca: this.ca };
    return { ...(await this.member(id)), listen: { address: "127.0.0.1:0", tls } };
  }

  #pair(name: string, { cert, key }: Identity): Identity {
    return { cert: this.#write(`${name}.pem`, cert), key: this.#write(`${name}.key`, key) };
  }

  #write(name: string, text: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, text);
    return file;
  }
}

/**
 * Over TLS: who has the fleet's token and a certificate of its own id is one of them, and nobody
 * else is.
 */
export async function strangersAreRefused(etcd: EtcdServer): Promise<void> {
  await using fleet = new RealFleet({ kind: "etcd", endpoints: etcd.endpoints, compact: false }, "/secure");
  const papers = new Papers(fleet.folder, await createAuthority());
  await fleet.publish(DOCUMENT, "--init");
  const c1 = await fleet.inProcess({ id: "c1", region: "eu", fleet: await papers.controller("c1") });
  await follows(c1, "c1");
  const u1 = await fleet.inProcess({ id: "u1", region: "us", fleet: await papers.controller("u1") });
  const n1 = await collector(fleet, "n1", await papers.member("n1"));
  await follows(n1, "c1");
  // Controllers ask each other in the same way.
  await untilEqual("eu: c1 > c1 n1, us: u1 > u1", () => rollOf(u1));
  await fleet.publish({ ...DOCUMENT, unmatched: "drop" });
  await run([c1, u1, n1], 2);

  const foreign = new Papers(mkdtempSync(join(fleet.folder, "foreign-")), await createAuthority("Another authority"));
  const refused = [
    { id: "n2", fleet: await papers.member("n1"), why: /certificate is not that of the node n2/u },
    { id: "n3", fleet: { ...(await papers.member("n3")), token: "another" }, why: /the fleet's token/u },
    { id: "n4", fleet: { token: TOKEN, tls: { ca: papers.ca }, listen: false }, why: /certificate/u },
    { id: "n5", fleet: await foreign.member("n5"), why: /certificate/u },
  ];
  for (const { id, fleet: settings, why } of refused) await isRefused(await collector(fleet, id, settings), why);
  await isRefusedInPlainText((await viewOf(c1)).addresses.fleet ?? "");
  assert.equal(await rollOf(u1), "eu: c1 > c1 n1, us: u1 > u1");
  assert.ok((await c1.metric("fleetRefusedNodes")) >= 2);
  await follows(n1, "c1");
}

function collector(fleet: RealFleet, id: string, settings: Readonly<Record<string, unknown>>): Promise<TestNode> {
  return fleet.inProcess({ id, region: "eu", roles: ["collector"], fleet: settings });
}

async function isRefused(node: TestNode, why: RegExp): Promise<void> {
  const { reason } = await until(async () => {
    const { controller } = await viewOf(node);
    return controller !== null && why.test(controller.reason ?? "") ? controller : undefined;
  });
  assert.match(reason ?? "", why);
}

async function isRefusedInPlainText(address: string): Promise<void> {
  const env = { clock: systemClock, random: seededRandom(1) };
  const link = openHttp2Link({ id: "c1", address, tls: false }, { token: () => SECRET, tls: {}, ...env });
  const call = { signal: AbortSignal.timeout(PATIENCE_MS), timeoutMs: PATIENCE_MS };
  const outcome = await link.call("members", { protocol: 1, region: "eu", limit: 1 }, call);
  await link[Symbol.asyncDispose]();
  assert.equal(outcome.kind, "unreachable");
}
