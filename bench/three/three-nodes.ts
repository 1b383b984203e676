import { callApi } from "../../test/admin/api-client.ts";
import { EtcdServer } from "../../test/support/etcd-server.ts";
import type { FleetNodeProcess } from "../../test/support/fleet/fleet-node-process.ts";
import { RealFleet, type RealNode } from "../../test/support/fleet/real-fleet.ts";
import { OtlpSender } from "../../test/support/otlp-sender.ts";
import { openRelay, type Relay } from "../../test/support/relay.ts";
import { openGrpcSink } from "../../test/support/sinks/grpc-sink.ts";
import { OK } from "../../test/support/sinks/sink-script.ts";

const PREFIX = "/three";

export interface ThreeNodesOptions {
  /** `global` of the fleet's config. */
  readonly global: Readonly<Record<string, unknown>>;
  /** Of each node; the first one leads the fleet. */
  readonly regions: readonly string[];
  /** Requests as they arrive at the one target. */
  readonly arrived?: (body: Uint8Array) => void;
}

/** Three processes of `signalbox run` over a real etcd, with a sender to each. */
export interface ThreeNodes extends AsyncDisposable {
  readonly nodes: readonly FleetNodeProcess[];
  readonly senders: readonly OtlpSender[];
  /** Between the last node and its store. */
  readonly relay: Relay;
  /** An answer of its admin API. */
  ask(node: number, path: string): Promise<Record<string, unknown>>;
}

export async function openThreeNodes({ global, regions, arrived }: ThreeNodesOptions): Promise<ThreeNodes> {
  await using parts = new AsyncDisposableStack();
  const etcd = parts.use(await EtcdServer.open());
  const script = ({ body }: { readonly body: Uint8Array }): typeof OK => {
    arrived?.(body);
    return OK;
  };
  const sink = parts.use(await openGrpcSink({ script, maxRequests: 1 }));
  const relay = parts.use(await openRelay(etcd.only.port));
  const settings = { kind: "etcd", endpoints: etcd.endpoints, compact: false } as const;
  const fleet = parts.use(new RealFleet(settings, PREFIX));
  const document = { targets: [{ id: "a", endpoint: sink.url }], default_pool: { targets: ["a"] }, global };
  await fleet.publish(document, "--init");
  const nodes: FleetNodeProcess[] = [];
  for (const [i, region] of regions.entries()) {
    const isLast = i === regions.length - 1;
    nodes.push(await fleet.process(nodeOf(`n${i + 1}`, region, isLast ? relay.port : undefined)));
  }
  const senders = nodes.map((node) => parts.use(new OtlpSender({ grpc: node.grpc, http: "" })));
  const owned = parts.move();
  return {
    nodes,
    senders,
    relay,
    ask: async (node, path) => (await callApi(nodes[node]!.admin, path)).json(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** With the intervals that people have. */
function nodeOf(id: string, region: string, storePort: number | undefined): RealNode {
  const endpoints = [`http://127.0.0.1:${storePort}`];
  const coordination = { type: "etcd", endpoints, prefix: PREFIX };
  return { id, region, fleet: { report_interval: "5s" }, ...(storePort !== undefined && { more: { coordination } }) };
}

/** So much happens of each 1 to `weights.length` things in turn, spread as evenly as can be. */
export class Turns {
  readonly #weights: readonly number[];
  readonly #due: number[];

  constructor(weights: readonly number[]) {
    const all = weights.reduce((sum, one) => sum + one, 0);
    this.#weights = weights.map((one) => one / all);
    this.#due = weights.map(() => 0);
  }

  next(): number {
    let most = 0;
    for (const [i, weight] of this.#weights.entries()) {
      this.#due[i]! += weight;
      if (this.#due[i]! > this.#due[most]!) most = i;
    }
    this.#due[most]!--;
    return most;
  }
}
