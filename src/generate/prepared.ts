import type { Signal } from "../otlp/signal.ts";
import { NUMBER_BYTES, TRACE_ID_BYTES, writeRunningNumber, writeTraceId } from "./running-number.ts";

/**
 * An Export request that can be sent again and again as a new one: the places of its ids and times
 * are known and are overwritten in place. Owns its bytes; they must not be stamped while a send is
 * under way.
 */
export interface PreparedRequest {
  readonly signal: Signal;
  readonly format: "protobuf" | "json";
  /** Ids stand in it as hex text: in JSON, and in the sequence attribute of metrics. */
  readonly idsAsText: boolean;
  readonly bytes: Uint8Array;
  readonly items: number;
  /**
   * Places of running numbers (span ids, parents, sequences) and whose item's number belongs there.
   */
  readonly numberAt: Int32Array;
  readonly numberItem: Int32Array;
  /** Places of trace ids and the item with which the trace begins. */
  readonly traceAt: Int32Array;
  readonly traceItem: Int32Array;
  /** Places of times and how many nanoseconds they are after the request's own time; below 2^32. */
  readonly timeAt: Int32Array;
  readonly timeDelta: Uint32Array;
}

/** Owned: the same request in its own bytes. The places are shared. */
export function copyPrepared(prepared: PreparedRequest): PreparedRequest {
  return { ...prepared, bytes: new Uint8Array(prepared.bytes) };
}

export interface Stamp {
  /** Who sends: 1 to 65,535. */
  readonly source: number;
  /** Running number of the first item; the request takes `items` numbers. */
  readonly firstNumber: number;
  /** The request's own time, milliseconds since 1970; left out: the times stay as they are. */
  readonly wallMs?: number;
}

const HEX = "0123456789abcdef";
const scratch = new Uint8Array(TRACE_ID_BYTES);

/**
 * Makes the request a new one. About 30 ns a span without times: a load generator can afford it for
 * each request.
 */
export function stamp(prepared: PreparedRequest, { source, firstNumber, wallMs }: Stamp): void {
  if (prepared.idsAsText) stampTexts(prepared, source, firstNumber);
  else stampBytes(prepared, source, firstNumber);
  if (wallMs !== undefined) stampTimes(prepared, wallMs);
}

function stampBytes(prepared: PreparedRequest, source: number, firstNumber: number): void {
  const { bytes, numberAt, numberItem, traceAt, traceItem } = prepared;
  for (let i = 0; i < numberAt.length; i++) {
    writeRunningNumber(bytes, numberAt[i]!, source, (firstNumber + numberItem[i]!) >>> 0);
  }
  for (let i = 0; i < traceAt.length; i++) {
    writeTraceId(bytes, traceAt[i]!, source, (firstNumber + traceItem[i]!) >>> 0);
  }
}

function stampTexts(prepared: PreparedRequest, source: number, firstNumber: number): void {
  const { bytes, numberAt, numberItem, traceAt, traceItem } = prepared;
  for (let i = 0; i < numberAt.length; i++) {
    writeRunningNumber(scratch, 0, source, (firstNumber + numberItem[i]!) >>> 0);
    writeHex(bytes, numberAt[i]!, NUMBER_BYTES);
  }
  for (let i = 0; i < traceAt.length; i++) {
    writeTraceId(scratch, 0, source, (firstNumber + traceItem[i]!) >>> 0);
    writeHex(bytes, traceAt[i]!, TRACE_ID_BYTES);
  }
}

function writeHex(bytes: Uint8Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) {
    bytes[at + 2 * i] = HEX.charCodeAt(scratch[i]! >>> 4);
    bytes[at + 2 * i + 1] = HEX.charCodeAt(scratch[i]! & 15);
  }
}

function stampTimes({ bytes, format, timeAt, timeDelta }: PreparedRequest, wallMs: number): void {
  const base = BigInt(Math.floor(wallMs)) * 1_000_000n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < timeAt.length; i++) {
    const nanos = base + BigInt(timeDelta[i]!);
    if (format === "json") writeText(bytes, timeAt[i]!, String(nanos));
    else view.setBigUint64(timeAt[i]!, nanos, true);
  }
}

function writeText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
