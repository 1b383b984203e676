import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { Io } from "../command.ts";
import { demoConfig, HOST, PRIMARY, type RouterAddresses, STANDARD_ADDRESSES, STANDBY, TARGETS } from "./cast.ts";
import { openDisplay } from "./display.ts";
import { DemoEvents } from "./events.ts";
import { Observer } from "./observer.ts";
import type { LedgerTotals } from "./render.ts";
import { captionOf, LONGEST_MS, openingOf, planStory, stepStory, type StoryStep } from "./story.ts";
import { DemoTarget, duplicates, openTallies } from "./target.ts";
import { once } from "node:events";
import { createServer } from "node:net";
import { formatProblem } from "../../core/problem.ts";
import { listenAt } from "../../core/sockets/listen-at.ts";
import { textSource } from "../../server/config-source.ts";
import type { RunningNode } from "../../server/running-node.ts";
import { startNode } from "../../server/start.ts";
import { createLog } from "../../telemetry/log.ts";
import { Load } from "./load.ts";

/** How often the demo looks at what happens. */
const TICK_MS = 100;
/** What the load waits for its last answers. */
const ANSWERS_MS = 12_000;
/** The same when somebody pressed Ctrl-C. */
const HASTY_ANSWERS_MS = 1_000;

/** Runs the whole demo and tells how it ended. Infinity: until it is interrupted. */
export async function runDemo(durationMs: number, io: Io): Promise<DemoResult> {
  const interrupted = io.interrupted();
  const startMs = io.clock.nowMs();
  const elapsedMs = (): number => io.clock.nowMs() - startMs;
  const events = new DemoEvents(elapsedMs);
  await using scene = await openScene(io, events);
  tellPorts(scene, events);
  const primary = targetOf(scene, PRIMARY);
  const observer = new Observer(scene, events, io.clock);
  const plan = planStory(durationMs);
  let story = openingOf(plan);
  using display = openDisplay(io, events);
  scene.load.start();
  while (!interrupted.aborted && story.phase !== "over" && elapsedMs() <= LONGEST_MS) {
    await observer.refresh();
    const facts = { elapsedMs: elapsedMs(), paymentsOn: observer.paymentsOn, primaryRuns: primary.running };
    const step = stepStory(story, facts, plan);
    story = step.story;
    await perform(step.action, primary, events);
    const caption = captionOf(story, elapsedMs(), plan);
    display.show(() => observer.view({ addresses: scene.addresses, elapsedMs: elapsedMs(), durationMs, caption }));
    await sleep(io.clock, TICK_MS, interrupted).catch(ignore);
  }
  const tookMs = elapsedMs();
  if (interrupted.aborted) display[Symbol.dispose](); // the terminal is given back first
  const drained = await end(scene, events, interrupted.aborted ? HASTY_ANSWERS_MS : ANSWERS_MS);
  return resultOf(scene, observer.ledger, tookMs, drained);
}

async function perform(action: StoryStep["action"], primary: DemoTarget, events: DemoEvents): Promise<void> {
  if (action === "stop_primary") {
    await primary.stop();
    events.add("bad", `${PRIMARY} stopped: its connections are cut, its port is closed`);
  }
  if (action !== "start_primary") return;
  try {
    await primary.start();
    events.add("good", `${PRIMARY} started again`);
  } catch (cause) {
    // Somebody took its port meanwhile. The story asks for it again.
    events.add("bad", `${PRIMARY} cannot start: ${reasonOf(cause)}`);
  }
}

/**
 * Ends the load, and lets the router drain. False: it held something back when its time was over.
 */
async function end({ load, node }: Scene, events: DemoEvents, answersMs: number): Promise<boolean> {
  await load.stop(answersMs);
  events.add("plain", "the load has ended, and all its requests are answered");
  const { drained } = await node.stop();
  events.add("plain", "the router has drained its queues and stopped");
  return drained;
}

/** How the demo ended. All numbers are spans, data points and log records. */
export type DemoResult = ReturnType<typeof resultOf>;

function resultOf(scene: Scene, ledger: LedgerTotals, elapsedMs: number, drained: boolean) {
  return {
    elapsedMs,
    load: scene.load.counts,
    targets: scene.targets.map(({ facts, arrivals }) => ({ ...facts, items: arrivals.items })),
    /** Payments that the standby took. */
    failedOver: targetOf(scene, STANDBY).arrivals.by("payments"),
    duplicates: duplicates(scene.tallies),
    ledger,
    /** False: the router held something back when its time was over. */
    drained,
  };
}

function targetOf({ targets }: Scene, id: string): DemoTarget {
  const found = targets.find(({ facts }) => facts.id === id);
  if (found === undefined) throw new TypeError(`there is no target ${id}`);
  return found;
}

function tellPorts({ addresses }: Scene, events: DemoEvents): void {
  for (const name of ["grpc", "http", "admin"] as const) {
    if (addresses[name] === STANDARD_ADDRESSES[name]) continue;
    events.add("plain", `${STANDARD_ADDRESSES[name]} is in use: ${name} listens on ${addresses[name]} instead`);
  }
}

/** An interrupted wait is a wait that ended. */
function ignore(): void {}

/**
 * All that runs in the demo. Disposing it ends the load first, then the router, then the targets.
 */
type Scene = Awaited<ReturnType<typeof openOn>>;

/**
 * Starts targets and router on their usual ports where those are free, and makes the load ready; it
 * does not send yet.
 */
async function openScene(io: Io, events: DemoEvents): Promise<Scene> {
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
    await listenAt(server, { host: HOST, port });
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
