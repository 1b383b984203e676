import type { GrpcTransport } from "../../src/core/grpc-transport.ts";
import { BASE } from "../case.ts";
import { items } from "../cases.ts";
import type { Case } from "../case.ts";
import { openLoad, openSink, openTalker } from "../child.ts";
import type { Talker } from "../child.ts";
import { openFolder } from "../folder.ts";
import { loadArguments, marked } from "../load-run.ts";
import type { LoadCounts } from "../messages.ts";
import { pause } from "../pause.ts";
import { pin, pinMain, twoCores } from "../pin.ts";
import { ROUTERS } from "../system.ts";
import type { ClassShare, StreamClass, StreamsReport, StreamsRequest } from "./messages.ts";

/** How a connection with many open streams was served, and another one beside it. */
export interface FairnessResult {
  readonly kind: "fairness";
  readonly system: string;
  readonly pinned: boolean;
  readonly windowMs: number;
  readonly classes: readonly ClassShare[];
  /** A second connection that sends small requests at a fixed rate. */
  readonly beside: {
    readonly requestsPerSecond: number;
    readonly alone: LoadCounts;
    readonly withBusy: LoadCounts;
  };
}

export interface FairnessPlan {
  readonly transport: GrpcTransport;
  readonly calmMs: number;
  readonly windowMs: number;
}

/** 1,000 streams whose requests have 30 MB in all: less than what the router takes on at a time. */
const CLASSES: readonly StreamClass[] = [
  { itemsPerRequest: 10, streams: 640 },
  { itemsPerRequest: 100, streams: 320 },
  { itemsPerRequest: 1_000, streams: 40 },
];
const BESIDE_PER_SECOND = 500;
const WARM_UP_MS = 1_000;
const CASE: Case = {
  ...BASE,
  ...items(10),
  name: "fairness",
  title: "",
  rules: "none",
  connections: 1,
  streams: 256,
  limits: { maxConcurrentStreams: 1_024 },
};

export async function measureFairness({ transport, calmMs, windowMs }: FairnessPlan): Promise<FairnessResult> {
  const system = ROUTERS[transport];
  const cores = twoCores();
  using folder = openFolder();
  await using sink = await openSink({ protocol: "grpc", signal: "traces", ports: 2, tls: undefined });
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  const started = await system.start(CASE, [a, b], folder.path);
  const { port } = started;
  await using router = started.child;
  await using beside = await openLoad(loadArguments(CASE, port, BESIDE_PER_SECOND, "sent"));
  await using busy = await openTalker<StreamsRequest, StreamsReport>("fairness/streams.ts", { port, classes: CLASSES });
  pinMain(router.pid, cores?.server);
  for (const { pid } of [sink, beside, busy]) pin(pid, cores?.others);
  await beside.ask({ kind: "start" });
  await pause(WARM_UP_MS);
  await marked(beside);
  await pause(calmMs);
  const alone = await marked(beside);
  await busy.ask({ kind: "start" });
  await pause(WARM_UP_MS);
  await Promise.all([marked(beside), windowOf(busy)]);
  await pause(windowMs);
  const [withBusy, classes] = await Promise.all([marked(beside), windowOf(busy)]);
  await busy.ask({ kind: "stop" });
  return {
    kind: "fairness",
    system: system.name,
    pinned: cores !== undefined,
    windowMs,
    classes,
    beside: { requestsPerSecond: BESIDE_PER_SECOND, alone, withBusy },
  };
}

async function windowOf(busy: Talker<StreamsRequest, StreamsReport>): Promise<readonly ClassShare[]> {
  const report = await busy.ask({ kind: "mark" });
  if (report.kind !== "window") throw new Error("the process of streams did not answer a mark with its window");
  return report.classes;
}
