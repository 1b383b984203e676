import { gunzipSync } from "node:zlib";
import { systemClock } from "../src/core/clock.ts";
import { transcode } from "../src/otlp/json/transcode.ts";
import { LoadBuffers } from "./load-buffers.ts";
import { answerParent, argumentsOf, tellParent } from "./messages.ts";
import type { LoadArguments } from "./messages.ts";
import { MESSAGE_AT } from "./wire/grpc-client.ts";

/**
 * A process that does one step of a request's way and nothing else, on the requests of a load:
 * `inflate` with node:zlib, `parse` with JSON.parse from bytes, `transcode` as the router does.
 */
export interface AloneArguments {
  readonly what: "inflate" | "parse" | "transcode";
  readonly load: LoadArguments;
}

/** For so long. */
export interface AloneRequest {
  readonly ms: number;
}

export interface AloneReport {
  readonly ms: number;
  /** User and system. */
  readonly cpuSeconds: number;
  readonly requests: number;
  readonly items: number;
  /** Of requests before compression. */
  readonly bytes: number;
}

/** Between two looks at the clock. */
const BLOCK = 16;

const { what, load } = argumentsOf<AloneArguments>();
const buffers = new LoadBuffers(load);
const step = stepOf(what);
/** So that no step can be left out. */
let used = 0;

run(500); // what is not compiled yet is not what it costs
answerParent(({ ms }: AloneRequest) => run(ms));
tellParent({ ms: 0, cpuSeconds: 0, requests: 0, items: 0, bytes: 0 });

function run(ms: number): AloneReport {
  const startMs = systemClock.nowMs();
  const before = process.cpuUsage();
  let [requests, items, bytes] = [0, 0, 0];
  while (systemClock.nowMs() - startMs < ms) {
    for (let i = 0; i < BLOCK; i++) {
      const buffer = buffers.take()!;
      used += step(buffer.bytes.subarray(MESSAGE_AT));
      requests++;
      items += buffer.items;
      bytes += buffers.requestBytes;
      buffers.giveBack(buffer, true);
    }
  }
  const { user, system } = process.cpuUsage(before);
  if (used === 0) throw new Error("nothing came out of it");
  return { ms: systemClock.nowMs() - startMs, cpuSeconds: (user + system) / 1e6, requests, items, bytes };
}

function stepOf(of: AloneArguments["what"]): (request: Buffer) => number {
  switch (of) {
    case "inflate":
      return (request) => gunzipSync(request).length;
    case "parse":
      return (request) => (JSON.parse(request.toString("utf8")) === null ? 0 : 1);
    case "transcode":
      return (request) => {
        const transcoded = transcode(load.signal, request);
        if (!transcoded.ok) throw new Error(transcoded.message);
        return transcoded.bytes.length;
      };
    default:
      throw new Error("a step that the benchmark does not know");
  }
}
