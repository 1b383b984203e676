/* oxlint-disable typescript/no-unsafe-type-assertion -- plain decodes are walked by names that the schema guarantees */
import { inspect } from "node:util";
import type { Signal } from "../../../src/otlp/signal.ts";
import { decodeRequest, type Plain } from "./oracle.ts";
import { resourcesOf, scopesOf } from "./walk.ts";

/** One item of a request with all that surrounds it. */
export interface ExplodedItem {
  /**
   * The exact bytes of resource_x without its scopes, of scope_x without its items, and of the
   * item: unknown fields too.
   */
  readonly raw: string;
  /** The same decoded in full, without what the schema does not know. */
  readonly meaning: string;
  readonly resource: Plain | undefined;
  readonly scopeName: string;
  readonly item: Plain;
}

export interface ExplodedRequest {
  readonly items: readonly ExplodedItem[];
  /** The exact bytes of the request's own unknown fields, in hex. */
  readonly extras: string;
}

/**
 * A request as the items in it, by a decoder of its own, so that requests that were cut or joined
 * can be compared.
 */
export function explode(signal: Signal, bytes: Uint8Array): ExplodedRequest {
  const plain = decodeRequest(signal, bytes);
  const { inside: resources, around: extras } = takeApart(Buffer.from(bytes), 1);
  const decoded = explodePlain(signal, plain);
  let next = 0;
  const items = resources.flatMap((resource) => {
    const { inside: scopes, around: aroundScopes } = takeApart(resource, 2);
    return scopes.flatMap((scope) => {
      const { inside, around } = takeApart(scope, 2);
      return inside.map((item) => {
        const raw = [aroundScopes, around, item].map((part) => part.toString("base64")).join(" ");
        return { ...decoded[next++]!, raw };
      });
    });
  });
  if (next !== decoded.length) throw new Error(`${next} items by one decoder, ${decoded.length} by the other`);
  return { items, extras: extras.toString("hex") };
}

/** The same from a decoded request, which has no bytes: `raw` is empty. */
export function explodePlain(signal: Signal, request: Plain): ExplodedItem[] {
  return resourcesOf(signal, request).flatMap((resource) =>
    scopesOf(signal, resource).flatMap((scope, at) => {
      const lists = Object.keys(resource).find((key) => key.startsWith("scope"))!;
      const scopeX = { ...(resource[lists] as Plain[])[at], [scope.itemList]: [] };
      const resourceX = { ...resource, [lists]: [] };
      return scope.items.map(({ plain: item }) => ({
        raw: "",
        meaning: inspect([resourceX, scopeX, item], EXACTLY),
        resource: resource["resource"] as Plain | undefined,
        scopeName: scope.name,
        item,
      }));
    }),
  );
}

/** Unlike JSON it tells -0 from 0, and NaN from null. */
const EXACTLY = {
  depth: null,
  maxArrayLength: null,
  maxStringLength: null,
  breakLength: Infinity,
  sorted: true,
} as const;

/**
 * The messages in field `number`, each alone, and all other fields of the message in their order.
 */
function takeApart(message: Buffer, number: number): { inside: Buffer[]; around: Buffer } {
  const inside: Buffer[] = [];
  const around: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const tag = varint(message, at);
    const field = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    const end = endOfValue(message, tag.end, wire);
    if (field === number && wire === 2) inside.push(message.subarray(varint(message, tag.end).end, end));
    else around.push(message.subarray(at, end));
    at = end;
  }
  return { inside, around: Buffer.concat(around) };
}

function endOfValue(bytes: Buffer, at: number, wire: number): number {
  switch (wire) {
    case 0:
      return varint(bytes, at).end;
    case 1:
      return at + 8;
    case 2: {
      const length = varint(bytes, at);
      return length.end + Number(length.value);
    }
    case 3:
      return endOfGroup(bytes, at);
    case 5:
      return at + 4;
    default:
      throw new Error(`wire type ${wire} at byte ${at}`);
  }
}

function endOfGroup(bytes: Buffer, start: number): number {
  for (let at = start; ; ) {
    const tag = varint(bytes, at);
    if ((tag.value & 7n) === 4n) return tag.end;
    at = endOfValue(bytes, tag.end, Number(tag.value & 7n));
  }
}

function varint(bytes: Buffer, start: number): { value: bigint; end: number } {
  let value = 0n;
  for (let at = start, shift = 0n; at < bytes.length; at++, shift += 7n) {
    value |= BigInt(bytes[at]! & 0x7f) << shift;
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  throw new Error(`a varint without an end at byte ${start}`);
}
