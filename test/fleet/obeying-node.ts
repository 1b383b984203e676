import assert from "node:assert/strict";
import { sleep, systemClock } from "../../src/core/clock.ts";
import { seededRandom } from "../../src/core/random.ts";
import { CONFIG_SCOPE, digestOf, type KnownDirectives } from "../../src/control/fleet/directive.ts";
import { writeDirective } from "../support/fleet/directives.ts";
import { type AwaitReply, type AwaitRequest, encodeBody, FLEET_PROTOCOL } from "../../src/control/fleet/messages.ts";
import { encodeLeader } from "../../src/control/fleet/leader-value.ts";
import { createFleetAuth } from "../../src/server/fleet/fleet-auth.ts";
import { createFleetHandler } from "../../src/server/fleet/fleet-handler.ts";
import { listenFleet } from "../../src/server/fleet/fleet-listener.ts";
import { createElection } from "../../src/store/recipes/election.ts";
import type { RecipePlace } from "../../src/store/recipes/place.ts";
import type { EtcdServer } from "../support/etcd-server.ts";
import { type FleetDoc, RealFleet, type RealNode } from "../support/fleet/real-fleet.ts";
import { WatchedStore } from "../support/fleet/watched-store.ts";
import type { TestNode } from "../support/node.ts";
import { calm } from "./calls.ts";
import { follows, run, untilEqual, viewOf } from "./node-view.ts";

const NEVER = new AbortController().signal;
const LONG_MS = 600_000;

/** A leader that says what its test wants: what a real one never would. */
class LyingController implements AsyncDisposable {
  readonly #parts = new AsyncDisposableStack();
  readonly #texts = new Map<string, string>();
  /** Calls of Await that have come and are not answered yet. */
  readonly #held: ((reply: AwaitReply) => void)[] = [];
  #arrived = Promise.withResolvers<KnownDirectives>();

  /** Leads a region of a real fleet. */
  static async open(place: RecipePlace, region: string): Promise<LyingController> {
    const controller = new LyingController();
    const address = await controller.#listen();
    const value = encodeLeader({ id: "liar", address, tls: false });
    const standing = { id: "liar", signal: NEVER };
    controller.#parts.use(await createElection(place, `region.${region}`).campaign(value, standing));
    return controller;
  }

  /** The document of a version, for who asks for it. */
  knows(text: string): string {
    this.#texts.set(digestOf(text), text);
    return digestOf(text);
  }

  /**
   * Answers the next Await so, `afterMs` later, and gives what the one after it says that its node
   * has: by then it has done what it was told.
   */
  async tell(directive: ReturnType<typeof writeDirective>, afterMs = 0): Promise<KnownDirectives> {
    await this.#arrived.promise;
    await sleep(systemClock, afterMs, NEVER);
    this.#arrived = Promise.withResolvers();
    this.#held.shift()?.({ protocol: FLEET_PROTOCOL, directives: [directive] });
    return this.#arrived.promise;
  }

  /** Its node is another start, which asks anew. */
  forget(): void {
    this.#held.length = 0;
    this.#arrived = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const answer of this.#held) answer({ protocol: FLEET_PROTOCOL, directives: [] });
    await this.#parts[Symbol.asyncDispose]();
  }

  async #listen(): Promise<string> {
    const calls = calm([], {
      await: ({ known }: AwaitRequest, { signal }) => this.#hold(known, signal),
      fetch: async ({ digest }) => {
        const text = this.#texts.get(digest);
        return { protocol: FLEET_PROTOCOL, digest, ...(text !== undefined && { body: encodeBody(Buffer.from(text)) }) };
      },
    });
    const ignore = (): undefined => undefined;
    const observer = { began: ignore, ended: ignore, refused: ignore, failed: ignore };
    const auth = createFleetAuth({ token: undefined, mutual: false });
    const handler = createFleetHandler({ calls, auth, clock: systemClock, observer });
    const env = { clock: systemClock, random: seededRandom(1) };
    const place = { address: { host: "127.0.0.1", port: 0 }, tls: undefined };
    const listener = this.#parts.use(await listenFleet({ ...place, handler, onRefused: ignore }, env));
    return `127.0.0.1:${listener.address.port}`;
  }

  #hold(known: KnownDirectives, signal: AbortSignal): Promise<AwaitReply> {
    return new Promise((resolve) => {
      this.#held.push(resolve);
      this.#arrived.resolve(known);
      signal.addEventListener("abort", () => resolve({ protocol: FLEET_PROTOCOL, directives: [] }), { once: true });
    });
  }
}

const NODE: RealNode = { id: "n1", region: "solo", roles: ["collector"] };

function documentOf(port: number): FleetDoc {
  return { targets: [{ id: "a", endpoint: `http://127.0.0.1:${port}` }], default_pool: { targets: ["a"] } };
}

/** The scope `config`: `version` runs, and here `candidate` is tried. */
function configOf(
  lead: LyingController,
  { epoch, seq, validForMs = LONG_MS, ...versions }: Told,
): ReturnType<typeof writeDirective> {
  const of = (number: number): { readonly version: number; readonly sha256: string } => {
    return { version: number, sha256: lead.knows(JSON.stringify(documentOf(number))) };
  };
  const { version, candidate } = versions;
  const tried = candidate === undefined ? {} : { candidate: { ...of(candidate), stage: "one", nodes: ["n1"] } };
  return writeDirective({
    scope: CONFIG_SCOPE,
    epoch,
    seq,
    validForMs,
    body: JSON.stringify({ ...of(version), ...tried }),
  });
}

interface Told {
  readonly epoch: string;
  readonly seq: number;
  readonly validForMs?: number;
  readonly version: number;
  readonly candidate?: number;
}

/**
 * A node that has seen a higher epoch obeys no lower one, after a restart neither; nothing is
 * obeyed after its time, and what is over gives way to what all run.
 */
export async function obeysTheNewest(etcd: EtcdServer): Promise<void> {
  const settings = { kind: "etcd", endpoints: etcd.endpoints, compact: false } as const;
  await using store = await WatchedStore.watch(settings, "/liar");
  await using fleet = new RealFleet(settings, "/liar");
  await fleet.publish(documentOf(1), "--init");
  await using lead = await LyingController.open(store.place, "solo");
  const first = await fleet.inProcess(NODE);
  await follows(first, "liar");
  const newest = { config: { epoch: "1.200", seq: 1 } };
  assert.deepEqual(await lead.tell(configOf(lead, { epoch: "1.200", seq: 1, version: 2 })), newest);
  await run([first], 2);
  assert.deepEqual(await lead.tell(configOf(lead, { epoch: "1.100", seq: 9, version: 3 })), newest);
  assert.equal(await first.metric("fleetDirectives", "older_epoch"), 1);
  assert.equal((await viewOf(first)).config.version, 2);
  await first.stop();
  lead.forget();

  // The store says that version 1 runs: what it was told by its leader has to be told again.
  const second = await fleet.inProcess(NODE);
  await follows(second, "liar");
  assert.deepEqual(await lead.tell(configOf(lead, { epoch: "1.199", seq: 9, version: 3 })), {});
  assert.equal(await second.metric("fleetDirectives", "older_epoch"), 1);
  const late = configOf(lead, { epoch: "1.300", seq: 1, version: 3, validForMs: 50 });
  assert.deepEqual(await lead.tell(late, 100), {});
  assert.equal(await second.metric("fleetDirectives", "expired"), 1);
  assert.equal((await viewOf(second)).config.version, 1);

  await triesFor(lead, second);
  await run([second], 2);
}

/** However slow the node is: some time is long enough for it to take the candidate over. */
async function triesFor(lead: LyingController, node: TestNode): Promise<void> {
  const isTried = (): boolean => node.lines.some(({ msg, version }) => msg === "config applied" && version === 4);
  for (let over = 1; !isTried(); over++) {
    const validForMs = 1_000 * 2 ** over;
    await lead.tell(configOf(lead, { epoch: "1.300", seq: 1 + over, version: 2, candidate: 4, validForMs }));
    await untilEqual(over, () => node.metric("fleetDirectivesOver"));
  }
}
