/* oxlint-disable typescript/no-unsafe-type-assertion -- values are walked by the schema, which says what each is */
import protobuf from "protobufjs";
import type { Signal } from "../../../src/otlp/signal.ts";
import { SCHEMA } from "./schema.ts";

/**
 * A decoded message as plain data: camelCase keys, 64-bit integers as decimal strings, bytes as
 * Buffer, enums as numbers. What protobuf cannot tell from absent (an empty list, a default value
 * without presence) is left out, so two messages mean the same exactly if `assert.deepEqual` says
 * so.
 */
export interface Plain {
  [field: string]: PlainValue;
}
export type PlainValue = string | number | boolean | Buffer | Plain | PlainValue[];

export const REQUEST_TYPE: Readonly<Record<Signal, string>> = {
  traces: "ExportTraceServiceRequest",
  metrics: "ExportMetricsServiceRequest",
  logs: "ExportLogsServiceRequest",
};
export const RESPONSE_TYPE: Readonly<Record<Signal, string>> = {
  traces: "ExportTraceServiceResponse",
  metrics: "ExportMetricsServiceResponse",
  logs: "ExportLogsServiceResponse",
};

const ROOT = protobuf.parse(SCHEMA).root;
ROOT.resolveAll();

/** Reflection of one message of the schema, for encoders and arbitraries that walk it. */
export function typeOf(name: string): protobuf.Type {
  return ROOT.lookupType(`otlp.${name}`);
}

/** The names of an enum of the schema, and their numbers. */
export function valuesOf(name: string): Readonly<Record<string, number>> {
  return ROOT.lookupEnum(`otlp.${name}`).values;
}

/** Full decode; throws on anything that is not valid protobuf of that message. */
export function decodeMessage(name: string, bytes: Uint8Array): Plain {
  const type = typeOf(name);
  return toPlain(type, type.decode(bytes));
}

/** Fields in order of their numbers, packed, minimal varints: what most encoders write. */
export function encodeMessage(name: string, plain: Plain): Uint8Array {
  const type = typeOf(name);
  return type.encode(type.fromObject(plain)).finish();
}

export function decodeRequest(signal: Signal, bytes: Uint8Array): Plain {
  return decodeMessage(REQUEST_TYPE[signal], bytes);
}

export function encodeRequest(signal: Signal, plain: Plain): Uint8Array {
  return encodeMessage(REQUEST_TYPE[signal], plain);
}

export function decodeResponse(signal: Signal, bytes: Uint8Array): Plain {
  return decodeMessage(RESPONSE_TYPE[signal], bytes);
}

export function encodeResponse(signal: Signal, plain: Plain): Uint8Array {
  return encodeMessage(RESPONSE_TYPE[signal], plain);
}

/** The normal form of a plain object: as a decode of its encoding would give it. */
export function normalize(name: string, plain: Plain): Plain {
  const type = typeOf(name);
  return toPlain(type, type.fromObject(plain));
}

/**
 * google.rpc.Status with the details that OTLP knows decoded; others keep `typeUrl` and `value`.
 */
export function decodeStatus(bytes: Uint8Array): Plain {
  const status = decodeMessage("RpcStatus", bytes);
  if (!Array.isArray(status["details"])) return status;
  return { ...status, details: status["details"].map((detail) => decodeDetail(detail as Plain)) };
}

/** A protobufjs message as plain data; see {@link Plain}. */
export function toPlain(type: protobuf.Type, message: protobuf.Message): Plain {
  const plain: Plain = {};
  const values = message as unknown as Record<string, unknown>;
  for (const field of type.fieldsArray) {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined;
    if (value === undefined || value === null) continue;
    if (field.repeated) {
      const list = value as unknown[];
      if (list.length > 0) plain[field.name] = list.map((entry) => plainValue(field, entry));
      continue;
    }
    const scalar = plainValue(field, value);
    if (field.partOf !== null || field.resolvedType instanceof protobuf.Type || !isDefault(scalar)) {
      plain[field.name] = scalar;
    }
  }
  return plain;
}

function plainValue(field: protobuf.Field, value: unknown): PlainValue {
  if (field.resolvedType instanceof protobuf.Type) return toPlain(field.resolvedType, value as protobuf.Message);
  if (value instanceof Uint8Array) return Buffer.from(value);
  // What is left of objects is protobufjs's 64-bit integer.
  return typeof value === "object" ? (value as unknown as bigint).toString() : (value as PlainValue);
}

function isDefault(value: PlainValue): boolean {
  if (Buffer.isBuffer(value)) return value.length === 0;
  return value === "" || value === "0" || value === false || Object.is(value, 0);
}

function decodeDetail(detail: Plain): Plain {
  const typeUrl = detail["typeUrl"] as string;
  const name = /^type\.googleapis\.com\/google\.rpc\.(RetryInfo|BadRequest)$/u.exec(typeUrl)?.[1];
  if (name === undefined) return detail;
  return { typeUrl, value: decodeMessage(name, (detail["value"] as Buffer | undefined) ?? Buffer.alloc(0)) };
}
