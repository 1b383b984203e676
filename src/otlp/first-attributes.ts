import type { Seen } from "./any-value.ts";
import { viewResource } from "./resource.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

/** Of a request, and of a resource_x in it: the resources, the resource. */
const FIRST_FIELD = 0x0a;
/** So much of a resource is looked at. */
const MAX_BYTES = 4_096;

/**
 * The first attributes of the first resource of a request, in their order; none where they cannot
 * be read. Work is bounded.
 */
export function firstAttributes(request: Uint8Array, most: number): [key: string, value: Seen][] {
  const resourceX = firstField(request);
  const resource = resourceX && firstField(resourceX);
  if (resource === undefined) return [];
  return [...viewResource(resource.subarray(0, MAX_BYTES)).attributes].slice(0, most);
}

/** The body of the first field 1 of a message; undefined without one. */
function firstField(bytes: Uint8Array): Uint8Array | undefined {
  const c = new Cursor(bytes, 0, bytes.length);
  while (c.at < c.end) {
    const tag = readTag(c);
    if (tag === FIRST_FIELD) {
      const length = readLength(c);
      return length < 0 ? undefined : bytes.subarray(c.at, c.at + length);
    }
    if (tag < 0 || !skipValue(c, tag)) return undefined;
  }
  return undefined;
}
