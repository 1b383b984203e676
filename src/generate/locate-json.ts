import { Places } from "./places.ts";

/** `"name":"value"` of ids and times, or the value of the sequence attribute. */
const PLACE =
  /"(traceId|spanId|parentSpanId|\w*[tT]imeUnixNano)":"([0-9a-f]+)"|"key":"(sequence)","value":\{"stringValue":"([0-9a-f]{16})"/gu;

/** Finds ids and times in the bytes of a JSON request that `encodeJson` made: keys in its order, no blanks. */
export function locateJson(bytes: Uint8Array): Places {
  const places = new Places();
  const json = Buffer.from(bytes).toString("latin1"); // one character for each byte, so that places agree
  for (const found of json.matchAll(PLACE)) {
    const name = found[1] ?? found[3];
    const value = found[2] ?? found[4] ?? "";
    const at = found.index + found[0].length - 1 - value.length;
    if (name === "traceId" || name === "sequence") places.items++; // the first of an item's places that names it
    const item = places.items - 1;
    if (name === "traceId") places.trace(at, value, item);
    else if (name === "parentSpanId") places.parent(at, value);
    else if (name === "spanId" || name === "sequence") places.own(at, value, item);
    else places.time(at, BigInt(value));
  }
  return places;
}
