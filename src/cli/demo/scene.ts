import { once } from "node:events";
import { createServer } from "node:net";
import { RouterError } from "../../core/errors.ts";
import { formatProblem } from "../../core/problem.ts";
import { textSource } from "../../server/config-source.ts";
import { type RunningNode, startNode } from "../../server/start.ts";
import { createLog } from "../../telemetry/log.ts";
import type { Io } from "../command.ts";
import { demoConfig, HOST, type RouterAddresses, STANDARD_ADDRESSES, TARGETS } from "./cast.ts";
import type { DemoEvents } from "./events.ts";
import { Load } from "./load.ts";
import { DemoTarget, openTallies } from "./target.ts";

/**
 * All that runs in the demo. Disposing it ends the load first, then the router, then the targets.
 */
export type Scene = Awaited<ReturnType<typeof openOn>>;

/**
 * Starts targets and router on their usual ports where those are free, and makes the load ready; it
 * does not send yet.
 */
export async function openScene(io: Io, events: DemoEvents): Promise<Scene> {
  try {
    return await openOn(freePort, io, events);
  } catch (cause) {
    if (!(cause instanceof RouterError) || cause.code !== "LISTEN_FAILED") throw cause;
    return await openOn(() => Promise.resolve(0), io, events); // somebody was quicker
  }
}

/** `portFor` tells which port to take for a usual one; 0 is any free one. */
async function openOn(portFor: (usual: number) => Promise<number>, io: Io, events: DemoEvents) {
  await using parts = new AsyncDisposableStack();
  const listen = { ...STANDARD_ADDRESSES };
  for (const name of ["grpc", "http", "admin"] as const) {
    listen[name] = `${HOST}:${await portFor(Number(STANDARD_ADDRESSES[name].slice(HOST.length + 1)))}`;
  }
  const tallies = openTallies();
  const targets: DemoTarget[] = [];
  // Where something else listens already, another demo may, and wait for its stopped target's port
  // to be free again.
  const isAlone = Object.values(listen).every((address, i) => address === Object.values(STANDARD_ADDRESSES)[i]);
  for (const facts of TARGETS) {
    const target = parts.use(new DemoTarget(facts, isAlone ? await portFor(facts.port) : 0, tallies, io));
    await target.start();
    targets.push(target);
  }
  const ports = targets.map(({ port }) => port);
  const node = parts.use(await startRouter(demoConfig(listen, ports), io, events));
  const addresses = addressesOf(node);
  const load = parts.use(new Load(addresses, tallies, io));
  const owned = parts.move();
  return { tallies, targets, node, addresses, load, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** `port` when it is free, else 0. */
async function freePort(port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host: HOST, port });
    await once(server, "listening");
  } catch {
    return 0;
  }
  server.close();
  await once(server, "close");
  return port;
}

async function startRouter(text: string, { clock, random, cwd, env }: Io, events: DemoEvents): Promise<RunningNode> {
  const source = textSource(text, { name: "demo config", folder: cwd, file: undefined }, env);
  const { config, problems } = source.load(text);
  if (config === undefined) throw new RouterError("CONFIG_INVALID", problems.map(formatProblem).join("\n"));
  const write = (line: string): void => events.add("bad", `router: ${line.trimEnd()}`);
  const log = createLog({ clock, write, level: config.node.log.level, format: "text", colour: false });
  return await startNode(config, { clock, random, log, source });
}

function addressesOf({ addresses }: RunningNode): RouterAddresses {
  const { otlpGrpc, otlpHttp, admin } = addresses;
  if (otlpGrpc === undefined || otlpHttp === undefined || admin === undefined) {
    throw new TypeError("the demo's router does not listen");
  }
  return { grpc: otlpGrpc, http: otlpHttp, admin };
}
