/** A fault to plant: `code` stands once in the file, and is replaced by `fault`. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly fault: string;
  /** Tests of the room, one of which has to fail. */
  readonly tests: readonly string[];
}

const HTTP2 = ["src/http2/**/*.test.ts", "test/http2/**/*.test.ts", "test/transport/own.test.ts"];
const OTLP = ["src/otlp/**/*.test.ts", "test/otlp/*.test.ts", "test/fuzz/wire.test.ts"];
const ROUTE = ["src/data/*.test.ts", "src/data/route/*.test.ts", "src/data/scan/*.test.ts", "test/route/*.test.ts"];
const QUEUE = ["src/data/*.test.ts", "src/data/queue/*.test.ts", "test/delivery/*.test.ts"];
const TARGET = ["src/data/export/*.test.ts", "src/data/health/*.test.ts", "test/delivery/*.test.ts"];
const BALANCE = ["src/data/balance/*.test.ts", "test/balance/*.test.ts"];
const RECEIVE = ["src/data/admit/*.test.ts", "src/data/receive/*.test.ts", "test/receive/*.test.ts"];
const CONTROL = ["src/control/**/*.test.ts", "test/server/*.test.ts", "test/admin/*.test.ts"];

/** The first four were planted once, and went unseen. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "HPACK: an entry more than needed is evicted when the new one fits exactly",
    file: "src/http2/own/hpack/dynamic-table.ts",
    code: "this.#count > 0 && this.#bytes > bytes",
    fault: "this.#count > 0 && this.#bytes >= bytes",
    tests: HTTP2,
  },
  {
    name: "queue: a lane may take the part of the others",
    file: "src/data/queue/pool.ts",
    code: "Math.max(free, Math.floor(maxBytes / lanes))",
    fault: "maxBytes",
    tests: QUEUE,
  },
  {
    name: "place: what earlier parts of a request take is forgotten",
    file: "src/data/place.ts",
    code: "taken?.set(place, (taken.get(place) ?? 0) + bytes);",
    fault: "",
    tests: QUEUE,
  },
  {
    name: "slice: a scope without items is left out",
    file: "src/otlp/slice.ts",
    code: "if (next > first || isEmpty(index, scope)) writeScope",
    fault: "if (next > first) writeScope",
    tests: [...OTLP, ...ROUTE],
  },
  {
    name: "wire: a varint of ten bytes may have any last byte",
    file: "src/otlp/wire.ts",
    code: "i === 9 && byte > 1 ? MALFORMED : value",
    fault: "value",
    tests: OTLP,
  },
  {
    name: "wire: a length may be one longer than what is there",
    file: "src/otlp/wire.ts",
    code: "length > c.end - c.at ||",
    fault: "length > c.end - c.at + 1 ||",
    tests: OTLP,
  },
  {
    name: "wire: a group may end with another field's number",
    file: "src/otlp/wire.ts",
    code: "if (openGroups[--open] !== fieldOf(tag)) return false;",
    fault: "open--;",
    tests: OTLP,
  },
  {
    name: "wire: lengths from 2^21 on are a byte short",
    file: "src/otlp/wire.ts",
    code: "return value < 0x1000_0000 ? 4 : 5;",
    fault: "return 3;",
    tests: [...OTLP, ...ROUTE],
  },
  {
    name: "HTTP/2: a peer may send one byte more than its window",
    file: "src/http2/own/connection/receive-window.ts",
    code: "if (bytes > this.#left && bytes > 0) return false;",
    fault: "if (bytes > this.#left + 1 && bytes > 0) return false;",
    tests: HTTP2,
  },
  {
    name: "HTTP/2: padding is never given back",
    file: "src/http2/own/connection/receive-window.ts",
    code: "this.#due += bytes - body;",
    fault: "",
    tests: HTTP2,
  },
  {
    name: "HTTP/2: a stream that had its turn stays first",
    file: "src/http2/own/connection/send-round.ts",
    code: "  turn(stream: Stream): void {\n    this.#remove(stream);\n",
    fault: "  turn(stream: Stream): void {\n",
    tests: HTTP2,
  },
  {
    name: "HTTP/2: an allowance is never filled again",
    file: "src/http2/own/connection/allowance.ts",
    code: "this.#left = Math.min(this.#perSecond, this.#left + gained);",
    fault: "",
    tests: HTTP2,
  },
  {
    name: "HTTP/2: the authority may name somebody else than Host does",
    file: "src/http2/own/connection/block-facts.ts",
    code: "entity(scheme, host) !== entity(scheme, authority)",
    fault: "false",
    tests: HTTP2,
  },
  {
    name: "queue: what is due at the same time comes out in any order",
    file: "src/data/queue/due-heap.ts",
    code: "x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.order < y.order)",
    fault: "x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.order > y.order)",
    tests: QUEUE,
  },
  {
    name: "queue: the retry budget has no bound above",
    file: "src/data/queue/retry-policy.ts",
    code: "this.#tokens = Math.min(CAPACITY, filled);",
    fault: "this.#tokens = filled;",
    tests: QUEUE,
  },
  {
    name: "window: one congestion shrinks it once for each call",
    file: "src/data/export/window.ts",
    code: "if (sentMs <= window.shrunkMs) return",
    fault: "if (sentMs < -1) return",
    tests: TARGET,
  },
  {
    name: "health: the window of successes forgets a slot too early",
    file: "src/data/health/success-window.ts",
    code: "slot.at <= from",
    fault: "slot.at <= from + 1",
    tests: TARGET,
  },
  {
    name: "health: failures that left the window are still counted",
    file: "src/data/health/success-window.ts",
    code: "this.#failures -= slot.failures;",
    fault: "",
    tests: TARGET,
  },
  {
    name: "reply: a part that failed is forgotten when another was delivered",
    file: "src/data/settlement.ts",
    code: "if (this.#failed !== undefined) this.#done",
    fault: "if (this.#failed !== undefined && this.#delivered === 0) this.#done",
    tests: QUEUE,
  },
  {
    name: "reply: of two failures the shorter wait is told",
    file: "src/data/settlement.ts",
    code: "(before.retryAfterMs ?? 0) >= (outcome.retryAfterMs ?? 0)",
    fault: "(before.retryAfterMs ?? 0) <= (outcome.retryAfterMs ?? 0)",
    tests: QUEUE,
  },
  {
    name: "join: a half that failed counts as rejected by the other",
    file: "src/data/queue/join.ts",
    code: 'if (b.kind === "failed") return b;',
    fault: 'if (b.kind === "failed") return a;',
    tests: QUEUE,
  },
  {
    name: "balance: who is no candidate earns all the same",
    file: "src/data/balance/smooth-weighted.ts",
    code: "if (!isCandidate(view, member)) continue;",
    fault: "",
    tests: BALANCE,
  },
  {
    name: "receive: a delay in whole seconds is rounded down",
    file: "src/data/receive/reply.ts",
    code: "Math.max(1, Math.ceil(delayMs / 1_000))",
    fault: "Math.max(1, Math.floor(delayMs / 1_000))",
    tests: RECEIVE,
  },
  {
    name: "control: a config that cannot be swapped stays in the file",
    file: "src/control/apply.ts",
    code: "await file?.replace(text, before);",
    fault: "",
    tests: CONTROL,
  },
  {
    name: "control: a version that could not be written is not kept",
    file: "src/control/history/history.ts",
    code: "text: isKept ? undefined : text",
    fault: "text: undefined",
    tests: CONTROL,
  },
  {
    name: "control: the newest version may be forgotten",
    file: "src/control/history/history.ts",
    code: "while (this.#kept.length > 1) {",
    fault: "while (this.#kept.length > 0) {",
    tests: CONTROL,
  },
];
