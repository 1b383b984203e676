import { formatAddress, parseAddress } from "../../config/schema/address.ts";
import { RouterError } from "../../core/errors.ts";
import { formatProblem } from "../../core/problem.ts";
import { textSource } from "../../server/config-source.ts";
import { type RunningNode, startNode } from "../../server/start.ts";
import { createLog } from "../../telemetry/log.ts";
import type { Io } from "../command.ts";
import { perTarget, TARGETS } from "./cast.ts";
import { Clients } from "./clients.ts";
import { demoConfig, type RouterAddresses, STANDARD_ADDRESSES } from "./demo-config.ts";
import { DemoTarget, HOST } from "./demo-target.ts";
import type { Events } from "./events.ts";
import { freePort } from "./free-port.ts";
import { Load } from "./load.ts";
import { openTallies, type Tallies } from "./tallies.ts";

/** All that runs in the demo. Disposing it ends the load first, then the router, then the targets. */
export interface Scene extends AsyncDisposable {
  readonly tallies: Tallies;
  readonly targets: readonly DemoTarget[];
  readonly node: RunningNode;
  readonly addresses: RouterAddresses;
  readonly load: Load;
}

/** Starts targets and router, and makes the load ready; it does not send yet. */
export async function openScene(io: Io, events: Events): Promise<Scene> {
  const addresses = await freeAddresses();
  try {
    return await openOn(addresses, io, events);
  } catch (cause) {
    if (!(cause instanceof RouterError) || cause.code !== "LISTEN_FAILED") throw cause;
    return await openOn(ANY_ADDRESSES, io, events); // somebody was quicker
  }
}

async function openOn(listen: RouterAddresses, io: Io, events: Events): Promise<Scene> {
  await using parts = new AsyncDisposableStack();
  const tallies = openTallies();
  const targets: DemoTarget[] = [];
  for (const facts of TARGETS) {
    // Where something else listens already, another demo may, and wait for its stopped target's port to be free again.
    const port = isStandard(listen) ? await freePort(HOST, facts.port) : 0;
    const target = parts.use(new DemoTarget(facts, port, tallies, io));
    await target.start();
    targets.push(target);
  }
  const node = parts.use(await startRouter(listen, targets, io, events));
  const addresses = addressesOf(node);
  const clients = parts.use(new Clients({ grpc: `http://${addresses.grpc}`, http: `http://${addresses.http}` }, io));
  const load = new Load({ ...io, tallies, clientOf: (protocol) => clients.of(protocol) });
  parts.defer(() => load.stop(0));
  const owned = parts.move();
  return { tallies, targets, node, addresses, load, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function isStandard({ grpc, http, admin }: RouterAddresses): boolean {
  return grpc === STANDARD_ADDRESSES.grpc && http === STANDARD_ADDRESSES.http && admin === STANDARD_ADDRESSES.admin;
}

const ANY_ADDRESSES: RouterAddresses = { grpc: `${HOST}:0`, http: `${HOST}:0`, admin: `${HOST}:0` };

async function startRouter(
  listen: RouterAddresses,
  targets: readonly DemoTarget[],
  io: Io,
  events: Events,
): Promise<RunningNode> {
  const ports = perTarget(({ id }) => targets.find(({ facts }) => facts.id === id)?.port ?? 0);
  const text = demoConfig(listen, ports);
  const source = textSource(text, { name: "demo config", folder: io.cwd, file: undefined }, io.env);
  const { config, problems } = source.load(text);
  if (config === undefined) throw new RouterError("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
  const write = (line: string): void => events.add("bad", `router: ${line.trimEnd()}`);
  const log = createLog({ clock: io.clock, write, level: "warn", format: "text", colour: false });
  log.level = config.node.log.level;
  return await startNode(config, { clock: io.clock, random: io.random, log, source });
}

/** The standard ports where they are free. */
async function freeAddresses(): Promise<RouterAddresses> {
  const { grpc, http, admin } = STANDARD_ADDRESSES;
  return { grpc: await freeAddress(grpc), http: await freeAddress(http), admin: await freeAddress(admin) };
}

async function freeAddress(standard: string): Promise<string> {
  const address = parseAddress(standard);
  if (address === undefined) throw new TypeError(`${standard} is no address`);
  return formatAddress({ ...address, port: await freePort(address.host, address.port) });
}

function addressesOf({ addresses }: RunningNode): RouterAddresses {
  const { otlpGrpc, otlpHttp, admin } = addresses;
  if (otlpGrpc === undefined || otlpHttp === undefined || admin === undefined) {
    throw new TypeError("the demo's router does not listen");
  }
  return { grpc: otlpGrpc, http: otlpHttp, admin };
}
