import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { OWN_BODIES } from "../src/core/arena/extent.ts";
import { SCRATCH } from "../src/core/bytes.ts";
import { prepare } from "../src/generate/generate.ts";
import { compress, COMPRESSIONS, USUAL_LEVEL } from "../src/otlp/compress.ts";
import { inflate } from "../src/otlp/inflate.ts";
import { transcode } from "../src/otlp/json/transcode.ts";
import { writeJson } from "../src/otlp/json/write-json.ts";
import { NO_LIMITS } from "../src/otlp/limits.ts";
import { type Signal, SIGNALS } from "../src/otlp/signal.ts";
import { formatTable } from "./table.ts";

/**
 * `node bench/bytes.ts`: what a byte costs before and after it is routed, without sockets: CPU of
 * this process for a body of generated telemetry, beside what node does with the same bytes. Rounds
 * take turns, and the medians stand in the table.
 */
const ROUNDS = 7;
const ROUND_BYTES = 2_000_000;
const MAX_JSON_BYTES = 67_108_864;
const DISTINCT = 8;
const SERVICES = Array.from({ length: 8 }, (_, i) => `service-${i}`);
const WALL_MS = 1_750_000_000_000;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: USUAL_LEVEL } };
const COMPRESS_BY_NODE = {
  gzip: (body: Buffer) => gzipSync(body, { level: USUAL_LEVEL }),
  zstd: (body: Buffer) => zstdCompressSync(body, ZSTD),
};
const INFLATE_BY_NODE = { gzip: gunzipSync, zstd: zstdDecompressSync };

type Run = (body: Buffer) => unknown;

interface Comparison {
  readonly what: string;
  readonly bodies: readonly Buffer[];
  /** Bytes of telemetry in one of them. */
  readonly bytes: number;
  readonly ours: Run;
  readonly node: Run;
  readonly by: string;
}

const rows = [["what", "items", "bytes", "us", "MB/s", "beside", "us", "times as fast"]];
for (const items of [10, 100]) {
  for (const each of comparisons(items)) {
    const [ours, node] = medians(each);
    const { what, bytes, by } = each;
    const [us, nodeUs] = [ours.toFixed(1), node.toFixed(1)];
    const columns = [what, String(items), Math.round(bytes).toString(), us, (bytes / ours).toFixed(0)];
    rows.push([...columns, by, nodeUs, (node / ours).toFixed(2)]);
  }
}
process.stdout.write(`${formatTable(rows)}\n`);

function* comparisons(items: number): Generator<Comparison> {
  const spans = bodiesOf("traces", "protobuf", items);
  for (const encoding of COMPRESSIONS) {
    const bodies = spans.map((body) => COMPRESS_BY_NODE[encoding](body));
    const budget = { ...OWN_BODIES, maxBytes: 67_108_864, reserve: () => true, release: () => undefined };
    yield {
      what: `${encoding} in`,
      bodies,
      bytes: meanOf(spans),
      ours: (body) => inflate(encoding, body, budget, () => undefined),
      node: (body) => INFLATE_BY_NODE[encoding](body),
      by: "node, sync",
    };
    yield {
      what: `${encoding} out`,
      bodies: spans,
      bytes: meanOf(spans),
      ours: (body) => compress(encoding, [body], () => undefined),
      node: (body) => COMPRESS_BY_NODE[encoding](body),
      by: "node, sync",
    };
  }
  for (const signal of SIGNALS) {
    const bodies = bodiesOf(signal, "json", items);
    const ours: Run = (body) => transcode(signal, body, NO_LIMITS, SCRATCH);
    const node: Run = (body) => JSON.parse(body.toString()) as unknown;
    yield { what: `JSON in, ${signal}`, bodies, bytes: meanOf(bodies), ours, node, by: "JSON.parse" };
    yield jsonOut(signal, items);
  }
}

/** Requests as JSON texts in bytes; beside the same of objects that are there already. */
function jsonOut(signal: Signal, items: number): Comparison {
  const bodies = bodiesOf(signal, "protobuf", items);
  const objects = new Map(
    bodiesOf(signal, "json", items).map((text, i) => [bodies[i]!, JSON.parse(text.toString()) as unknown]),
  );
  return {
    what: `JSON out, ${signal}`,
    bodies,
    bytes: meanOf(bodies),
    ours: (body) => writeJson(signal, body, MAX_JSON_BYTES),
    node: (body) => Buffer.from(JSON.stringify(objects.get(body))),
    by: "JSON.stringify",
  };
}

function bodiesOf(signal: Signal, format: "json" | "protobuf", items: number): Buffer[] {
  const resources = Math.min(10, Math.ceil(items / 10));
  return Array.from({ length: DISTINCT }, (_, seed) => {
    const options = { items, resources, services: SERVICES, firstService: seed, seed, wallMs: WALL_MS };
    return Buffer.from(prepare(signal, format, options).bytes);
  });
}

function meanOf(bodies: readonly Buffer[]): number {
  return bodies.reduce((sum, { length }) => sum + length, 0) / bodies.length;
}

/** Microseconds of CPU for one body: ours, and node's. */
function medians({ bodies, bytes, ours, node }: Comparison): [number, number] {
  const turns = Math.max(1, Math.round(ROUND_BYTES / bytes / bodies.length));
  const runs = [ours, node].map((run) => ({ run, us: [] as number[] }));
  for (let round = -1; round < ROUNDS; round++) {
    for (const { run, us } of runs) {
      const before = process.cpuUsage();
      for (let turn = 0; turn < turns; turn++) for (const body of bodies) run(body);
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) us.push((user + system) / turns / bodies.length);
    }
  }
  const [first = 0, second = 0] = runs.map(({ us }) => us.toSorted((a, b) => a - b)[ROUNDS >> 1]!);
  return [first, second];
}
