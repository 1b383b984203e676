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
  /** Of span ids, parents and sequences: of the item whose running number belongs there. */
  readonly numbers: Places;
  /** Of trace ids: of the item with which the trace begins. */
  readonly traces: Places;
  /** So many nanoseconds after the request's own time. */
  readonly times: Places;
}

export interface Places {
  readonly at: Int32Array;
  readonly of: Uint32Array;
}

interface Stamp {
  /** Who sends: 1 to 65,535. */
  readonly source: number;
  /** Running number of the first item; the request takes `items` numbers. */
  readonly firstNumber: number;
  /** The request's own time, milliseconds since 1970; left out: the times stay as they are. */
  readonly wallMs?: number;
}

/** Makes the request a new one. About 15 ns a span without times: it can be afforded each time. */
export function stamp(prepared: PreparedRequest, { source, firstNumber, wallMs }: Stamp): void {
  const { idsAsText, bytes, numbers, traces } = prepared;
  for (let i = 0; i < numbers.at.length; i++) {
    const number = (firstNumber + numbers.of[i]!) >>> 0;
    const at = numbers.at[i]!;
    writeRunningNumber(idsAsText ? scratch : bytes, idsAsText ? 0 : at, source, number);
    if (idsAsText) writeHex(bytes, at, NUMBER_BYTES);
  }
  for (let i = 0; i < traces.at.length; i++) {
    const number = (firstNumber + traces.of[i]!) >>> 0;
    const at = traces.at[i]!;
    writeTraceId(idsAsText ? scratch : bytes, idsAsText ? 0 : at, source, number);
    if (idsAsText) writeHex(bytes, at, TRACE_ID_BYTES);
  }
  if (wallMs !== undefined) stampTimes(prepared, wallMs);
}

const HEX = "0123456789abcdef";
const scratch = new Uint8Array(TRACE_ID_BYTES);

function writeHex(bytes: Uint8Array, at: number, count: number): void {
  for (let i = 0; i < count; i++) {
    bytes[at + 2 * i] = HEX.charCodeAt(scratch[i]! >>> 4);
    bytes[at + 2 * i + 1] = HEX.charCodeAt(scratch[i]! & 15);
  }
}

function stampTimes({ bytes, format, times }: PreparedRequest, wallMs: number): void {
  const base = BigInt(Math.floor(wallMs)) * 1_000_000n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < times.at.length; i++) {
    const nanos = base + BigInt(times.of[i]!);
    if (format === "json") writeText(bytes, times.at[i]!, String(nanos));
    else view.setBigUint64(times.at[i]!, nanos, true);
  }
}

function writeText(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
