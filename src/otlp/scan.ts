import { type Excess, NO_LIMITS, type RequestLimits } from "./limits.ts";
import type { Signal } from "./signal.ts";
import { Slack } from "./slack.ts";
import { Cursor, MALFORMED, readLength, readTag, skipValue, varintBytes } from "./wire.ts";

/**
 * One walk for all three signals, which share an envelope:
 * request { 1: resource_x { 1: resource, 2: scope_x { 1: scope, 2: item*, 3: url }*, 3: url }* }.
 * It checks tags and lengths down to the items, counts, and remembers where each resource is. It
 * decodes nothing. Measured on Node 24: 1,000 spans of 373 bytes in 7.4 µs (one core of an AMD EPYC
 * virtual machine).
 */

/** Tags of the envelope: field number << 3 | LEN. */
const RESOURCE_X = 0x0a;
const RESOURCE = 0x0a;
const SCOPE_X = 0x12;
const ITEM = 0x12;
/**
 * Tags of Metric: gauge 5, sum 7, histogram 9, exponential_histogram 10, summary 11; each has
 * data_points = 1.
 */
const METRIC_DATA = [0x2a, 0x3a, 0x4a, 0x52, 0x5a] as const;
const DATA_POINT = 0x0a;

const NOTHING = new Uint8Array(0);
const FIRST_ENTRIES = 16;
/**
 * Around items stand a scope and an url or two each time; a million of them takes 10 ms to walk.
 */
export const MAX_FIELDS = 1_000_000;
/** Of one metric, beside its data points: its name and the like. */
const MAX_METRIC_FIELDS = 64;

/**
 * Where the resources of one request are, as struct of arrays. Reused from request to request by
 * its one owner.
 */
export class Envelope {
  bytes: Uint8Array = NOTHING;
  /** What `scanEnvelope` lets a request hold. */
  limits: RequestLimits = NO_LIMITS;
  /** Of what a request that was not scanned to its end has too much. */
  excess: Excess | undefined = undefined;
  resources = 0;
  /**
   * The resource_x field with its tag and length: [outerStart, end). Its message: [bodyStart, end).
   */
  outerStart = new Int32Array(FIRST_ENTRIES);
  bodyStart = new Int32Array(FIRST_ENTRIES);
  end = new Int32Array(FIRST_ENTRIES);
  /** The Resource message inside: empty at bodyStart when there is none. */
  resourceStart = new Int32Array(FIRST_ENTRIES);
  resourceEnd = new Int32Array(FIRST_ENTRIES);
  /**
   * How often field `resource` occurs. Above 1 the occurrences merge, and the range is that of the
   * last.
   */
  resourceTimes = new Int32Array(FIRST_ENTRIES);
  items = new Int32Array(FIRST_ENTRIES);
  /** Data points for metrics; the items otherwise. */
  points = new Int32Array(FIRST_ENTRIES);
  /** At most, where items were left out since it was scanned. */
  totalScopes = 0;
  totalItems = 0;
  totalPoints = 0;
  /** Fields around the items: of the request, of resource_x and scope_x, other than those above. */
  fields = 0;
  /**
   * Fields of the request other than resource_x, as pairs of start and end; neighbours are one.
   * Nearly always empty.
   */
  extras: number[] = [];
  /** Where the input is malformed, and in what; for people. */
  problem = "";
  readonly #slack = new Slack();

  /**
   * Lets go of the request, which is done with: of its bytes, and of arrays that only it needed as
   * long as they are.
   */
  release(): void {
    this.bytes = NOTHING;
    forget();
    if (this.extras.length > 0) this.extras = [];
    if (this.#slack.gives(this.resources, this.outerStart.length)) this.#shrink();
    this.resources = this.totalScopes = this.totalItems = this.totalPoints = 0;
  }

  #shrink(): void {
    this.outerStart = new Int32Array(FIRST_ENTRIES);
    this.bodyStart = new Int32Array(FIRST_ENTRIES);
    this.end = new Int32Array(FIRST_ENTRIES);
    this.resourceStart = new Int32Array(FIRST_ENTRIES);
    this.resourceEnd = new Int32Array(FIRST_ENTRIES);
    this.resourceTimes = new Int32Array(FIRST_ENTRIES);
    this.items = new Int32Array(FIRST_ENTRIES);
    this.points = new Int32Array(FIRST_ENTRIES);
  }

  grow(): void {
    this.outerStart = wider(this.outerStart);
    this.bodyStart = wider(this.bodyStart);
    this.end = wider(this.end);
    this.resourceStart = wider(this.resourceStart);
    this.resourceEnd = wider(this.resourceEnd);
    this.resourceTimes = wider(this.resourceTimes);
    this.items = wider(this.items);
    this.points = wider(this.points);
  }
}

function wider(old: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(old.length * 2);
  next.set(old);
  return next;
}

/** The resource is told once, before anything else, or not at all: where it is, it stays. */
export function beginsWithResource(
  { bodyStart, resourceStart, resourceEnd, resourceTimes }: Envelope,
  r: number,
): boolean {
  const start = resourceStart[r]!;
  const times = resourceTimes[r]!;
  if (times !== 1) return times === 0;
  return start === bodyStart[r]! + 1 + varintBytes(resourceEnd[r]! - start);
}

const request = new Cursor(NOTHING, 0, 0);
const inner = new Cursor(NOTHING, 0, 0);
const metric = new Cursor(NOTHING, 0, 0);

/** Cursors are used again, and would keep the last request in memory. */
function forget(): void {
  request.reset(NOTHING, 0, 0);
  inner.reset(NOTHING, 0, 0);
  metric.reset(NOTHING, 0, 0);
}

/**
 * Fills `into` from an Export request. False when it is malformed, with the place in
 * `into.problem`; or when it holds more than `into.limits` lets it, with what in `into.excess`.
 * Steps are bounded by the bytes, and memory by the limits.
 */
export function scanEnvelope(signal: Signal, bytes: Uint8Array, into: Envelope): boolean {
  into.bytes = bytes;
  into.resources = 0;
  into.totalScopes = 0;
  into.totalItems = 0;
  into.totalPoints = 0;
  into.problem = "";
  into.excess = undefined;
  into.fields = 0;
  if (into.extras.length > 0) into.extras = [];
  const c = request;
  c.reset(bytes, 0, bytes.length);
  while (c.at < c.end) {
    const start = c.at;
    const tag = readTag(c);
    if (tag === RESOURCE_X) {
      const length = readLength(c);
      if (length === MALFORMED) return malformed(into, start, "the length of a resource");
      if (!scanResource(signal, into, start, c.at, c.at + length)) return false;
      c.at += length;
    } else {
      if (tag === MALFORMED || !skipValue(c, tag)) return malformed(into, start, "a field of the request");
      if (++into.fields > MAX_FIELDS) return tooMany(into, "fields");
      noteExtra(into.extras, start, c.at);
    }
  }
  return true;
}

function noteExtra(extras: number[], start: number, end: number): void {
  const last = extras.length - 1;
  if (last > 0 && extras[last] === start) extras[last] = end;
  else extras.push(start, end);
}

function scanResource(signal: Signal, into: Envelope, outerStart: number, bodyStart: number, end: number): boolean {
  if (into.resources >= into.limits.maxResources) return tooMany(into, "resources");
  if (into.resources === into.outerStart.length) into.grow();
  const r = into.resources++;
  into.outerStart[r] = outerStart;
  into.bodyStart[r] = bodyStart;
  into.end[r] = end;
  into.resourceStart[r] = bodyStart;
  into.resourceEnd[r] = bodyStart;
  into.resourceTimes[r] = 0;
  into.items[r] = 0;
  into.points[r] = 0;
  const c = inner;
  c.reset(into.bytes, bodyStart, end);
  while (c.at < end) {
    const start = c.at;
    const tag = readTag(c);
    if (tag === SCOPE_X) {
      const length = readLength(c);
      if (length === MALFORMED) return malformed(into, start, "the length of a scope");
      if (!scanScope(signal, into, r, c, c.at + length)) return false;
    } else if (tag === RESOURCE) {
      const length = readLength(c);
      if (length === MALFORMED) return malformed(into, start, "the length of a resource");
      into.resourceStart[r] = c.at;
      c.at += length;
      into.resourceEnd[r] = c.at;
      into.resourceTimes[r]++;
      if (++into.fields > MAX_FIELDS) return tooMany(into, "fields");
    } else if (tag === MALFORMED || !skipValue(c, tag)) {
      return malformed(into, start, "a field beside the resource");
    } else if (++into.fields > MAX_FIELDS) {
      return tooMany(into, "fields");
    }
  }
  into.totalItems += into.items[r];
  into.totalPoints += into.points[r];
  return true;
}

/** Walks one scope_x in place: `c` stands at its first byte, and at its end afterwards. */
function scanScope(signal: Signal, into: Envelope, r: number, c: Cursor, end: number): boolean {
  const { limits } = into;
  if (++into.totalScopes > limits.maxScopes) return tooMany(into, "scopes");
  const outerEnd = c.end;
  c.end = end;
  const maxItems = limits.maxItems - into.totalItems - into.items[r]!;
  const maxPoints = limits.maxPoints - into.totalPoints - into.points[r]!;
  let items = 0;
  let points = 0;
  while (c.at < end) {
    const start = c.at;
    const tag = readTag(c);
    if (tag === ITEM) {
      const length = readLength(c);
      if (length === MALFORMED) return malformed(into, start, "the length of an item");
      if (++items > maxItems) return tooMany(into, "items");
      if (signal === "metrics") {
        const counted = dataPointsOf(into.bytes, c.at, c.at + length, maxPoints - points);
        if (counted === MALFORMED) return malformed(into, start, "a metric");
        points += counted;
        if (points > maxPoints) return tooMany(into, "points");
      }
      c.at += length;
    } else if (tag === MALFORMED || !skipValue(c, tag)) {
      return malformed(into, start, "a field of a scope");
    } else if (++into.fields > MAX_FIELDS) {
      return tooMany(into, "fields");
    }
  }
  c.end = outerEnd;
  into.items[r]! += items;
  into.points[r]! += signal === "metrics" ? points : items;
  return true;
}

/**
 * Data points of the Metric in [start, end), or MALFORMED. Its data is a oneof: another kind
 * replaces what came before, the same kind merges. Gives more than `max` as soon as it has walked
 * many more fields than that, points or not.
 */
export function dataPointsOf(bytes: Uint8Array, start: number, end: number, max: number = NO_LIMITS.maxPoints): number {
  const c = metric;
  c.reset(bytes, start, end);
  let left = max + MAX_METRIC_FIELDS;
  let points = 0;
  let kind = 0;
  while (c.at < end) {
    if (--left < 0) return max + 1;
    const after = isText(bytes[c.at]!) ? afterShort(bytes, c.at + 1, end) : 0;
    if (after > 0) {
      c.at = after;
      continue;
    }
    const tag = readTag(c);
    if (tag === MALFORMED) return MALFORMED;
    if (!isMetricData(tag)) {
      if (!skipValue(c, tag)) return MALFORMED;
      continue;
    }
    const length = readLength(c);
    if (length === MALFORMED) return MALFORMED;
    if (tag !== kind) points = 0;
    kind = tag;
    c.end = c.at + length;
    fieldsLeft = left;
    const more = pointsWithin(c);
    left = fieldsLeft;
    if (more === MALFORMED) return MALFORMED;
    if (left < 0) return max + 1;
    points += more;
    c.end = end;
  }
  return points;
}

/** So many fields of the metric at hand may still be walked; below 0 there were more. */
let fieldsLeft = 0;

/** Data points up to the end of the cursor, or as far as fields may be walked. */
function pointsWithin(c: Cursor): number {
  const { bytes, end } = c;
  let left = fieldsLeft;
  let points = 0;
  while (c.at < end && --left >= 0) {
    const next = bytes[c.at] === DATA_POINT ? afterShort(bytes, c.at + 1, end) : 0;
    if (next > 0) {
      c.at = next;
      points++;
      continue;
    }
    const field = readTag(c);
    if (field === MALFORMED || !skipValue(c, field)) return MALFORMED;
    if (field === DATA_POINT) points++;
  }
  fieldsLeft = left;
  return points;
}

/** The tags of a Metric's name 1, description 2 and unit 3. */
function isText(tag: number): boolean {
  return tag === 0x0a || tag === 0x12 || tag === 0x1a;
}

/**
 * Where a LEN field ends whose length stands at `at` in one or two bytes, as nearly all do; 0 where
 * it is anything else, or goes beyond `end`: then readLength tells what it is.
 */
function afterShort(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  const low = bytes[at]!;
  const high = bytes[at + 1]!;
  if (low >= 0x80 && high >= 0x80) return 0;
  const next = low < 0x80 ? at + 1 + low : at + 2 + (low & 0x7f) + (high << 7);
  return next <= end ? next : 0;
}

/** True for the tags of a Metric's data: gauge, sum, histogram, exponential histogram, summary. */
export function isMetricData(tag: number): boolean {
  return (
    tag === METRIC_DATA[0] ||
    tag === METRIC_DATA[1] ||
    tag === METRIC_DATA[2] ||
    tag === METRIC_DATA[3] ||
    tag === METRIC_DATA[4]
  );
}

function tooMany(into: Envelope, what: Excess): false {
  into.excess = what;
  into.problem = `the request has too many ${what}`;
  return false;
}

function malformed(into: Envelope, at: number, what: string): false {
  into.problem = `not a valid protobuf message: ${what} at byte ${at} is malformed or goes beyond its end`;
  return false;
}
