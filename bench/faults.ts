/**
 * What a fault of one of four targets does to the latency that senders see: p50 and p99 before it,
 * in its first seconds, in the rest of it, and after it.
 * `node bench/faults.ts [strategy] [seconds]`; each fault lasts twice the seconds (5). Health has
 * its defaults, the targets a timeout of 2 s. Prints a line for each fault.
 */
import type { Sink } from "../test/support/sinks/sink.ts";
import { openHttpSink } from "../test/support/sinks/http-sink.ts";
import { hung, OK, type SinkScript, slow } from "../test/support/sinks/sink-script.ts";
import { startTestNode, type TestNode } from "../test/support/node.ts";
import { account, type Sent, Sender } from "../test/scenario/fault-sender.ts";

const [strategy = "weighted_round_robin", seconds = "5"] = process.argv.slice(2);
const PHASE_MS = Number(seconds) * 1_000;
const NAMES = ["bad", "b", "c", "d"];
const ANSWER_MS = 4;
const FLAP_MS = 2_000;

interface Fault {
  readonly name: string;
  readonly begin: (sink: Sink) => Promise<void> | void;
  readonly end: (sink: Sink) => Promise<void> | void;
}

function scripted(name: string, script: SinkScript): Fault {
  return { name, begin: (sink) => void (sink.script = script), end: works };
}

function works(sink: Sink): void {
  sink.script = slow(ANSWER_MS);
}

function half(code: number): SinkScript {
  let count = 0;
  return () => (count++ % 2 === 0 ? OK : { kind: "status", code });
}

function flaps(): Fault {
  let timer: NodeJS.Timeout | undefined;
  let isUp = true;
  const flip = (sink: Sink): void => {
    isUp = !isUp;
    void (isUp ? sink.start() : sink.kill());
  };
  return {
    name: "flaps each 2 s",
    begin: (sink) => {
      timer = setInterval(() => flip(sink), FLAP_MS);
      flip(sink);
    },
    end: (sink) => {
      clearInterval(timer);
      return sink.start();
    },
  };
}

const FAULTS: readonly Fault[] = [
  { name: "killed", begin: (sink) => sink.kill(), end: (sink) => sink.start() },
  scripted("hangs", hung),
  scripted("slow by 10 x", slow(10 * ANSWER_MS)),
  scripted("half 503", half(503)),
  scripted("half 500", half(500)),
  scripted("checks pass, 503", ({ items }) => (items === 0 ? OK : { kind: "status", code: 503 })),
  flaps(),
];

for (const fault of FAULTS) process.stdout.write(`${await measure(fault)}\n`);

async function measure(fault: Fault): Promise<string> {
  await using owned = new AsyncDisposableStack();
  const sinks = await Promise.all(
    NAMES.map(async () => owned.use(await openHttpSink({ script: slow(ANSWER_MS), maxRequests: 10 }))),
  );
  const node = owned.use(
    await startTestNode(configText(), { sinks: Object.fromEntries(NAMES.map((id, i) => [id, sinks[i]!])) }),
  );
  const options = { via: "http", address: node.http, source: 1, service: "s", parallel: 8, pauseMs: 5 } as const;
  const sender = owned.use(new Sender(options)).start();
  await pause(1_000); // what is measured is not how the process warms up
  const bad = sinks[0]!;
  const marks = [performance.now()];
  const mark = async (ms: number): Promise<void> => {
    await pause(ms);
    marks.push(performance.now());
  };
  await mark(PHASE_MS);
  const before = await callsTo(node);
  await fault.begin(bad);
  await mark(PHASE_MS / 2);
  await mark(PHASE_MS * 1.5);
  const during = (await callsTo(node)) - before;
  const { state, reason } = (await node.status()).targets.find(({ id }) => id === "bad")!;
  await fault.end(bad);
  await mark(PHASE_MS);
  await sender.stop();
  const phases = ["before", "at first", "then", "after"].map(
    (name, i) => `${name} ${quantiles(sender.sent, marks[i]!, marks[i + 1]!)}`,
  );
  const { acknowledged, lost } = account([sender], sinks);
  return `${fault.name}, ${strategy}: ${phases.join("; ")}; ${during} calls to it, ${state} (${reason}); ${lost} of ${acknowledged} items lost`;
}

function configText(): string {
  const targets = NAMES.map(
    (id) => `{ id: ${id}, endpoint: "http://127.0.0.1:1", protocol: http/protobuf, timeout: 2s }`,
  );
  return `targets: [${targets.join(", ")}]\npools: { p: { targets: [${NAMES.join(", ")}], strategy: ${strategy} } }\ndefault_pool: p\n`;
}

function callsTo(node: TestNode): Promise<number> {
  return node.metric("exportSends", "bad");
}

/** Of the requests that began in this time, whatever they were answered. */
function quantiles(sent: readonly Sent[], fromMs: number, toMs: number): string {
  const its = sent.filter(({ startedMs }) => startedMs >= fromMs && startedMs < toMs);
  const times = its.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)} p99 ${at(0.99)} ms (${times.length})`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
