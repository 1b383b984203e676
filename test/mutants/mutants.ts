/** A fault to plant: `code` stands once in the file, and is replaced by `fault`. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly fault: string;
  /** The tests that can see it, cheap ones first; one of them has to fail. */
  readonly tests: readonly string[];
}

/** The first five were planted once, and went unseen. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "HPACK: an entry more than needed is evicted when the new one fits exactly",
    file: "src/http2/own/hpack/dynamic-table.ts",
    code: "this.#count > 0 && this.#bytes > bytes",
    fault: "this.#count > 0 && this.#bytes >= bytes",
    tests: ["src/http2/own/hpack/*.test.ts", "test/http2/core/hpack*.test.ts"],
  },
  {
    name: "queue: a lane may take the part of the others",
    file: "src/data/queue/pool.ts",
    code: "Math.max(free, Math.floor(maxBytes / lanes))",
    fault: "maxBytes",
    tests: ["test/delivery/lane-share.test.ts"],
  },
  {
    name: "place: what earlier parts of a request take is forgotten",
    file: "src/data/place.ts",
    code: "taken?.set(place, (taken.get(place) ?? 0) + bytes + headers.bytes);",
    fault: "",
    tests: ["src/data/place.test.ts", "src/data/pipeline.test.ts"],
  },
  {
    name: "pipeline: what was acknowledged keeps the whole request it came in",
    file: "src/data/pipeline.ts",
    code: "awaited || isHeldExactly(kept, bytes) ? kept : [joinOwned(kept, bytes)]",
    fault: "kept",
    tests: ["src/data/pipeline.test.ts", "test/delivery/held-bytes.test.ts"],
  },
  {
    name: "slice: a scope without items is left out",
    file: "src/otlp/slice.ts",
    code: "if (next > first || isEmpty(index, scope)) writeScope",
    fault: "if (next > first) writeScope",
    tests: ["test/route/route.test.ts", "test/otlp/merged.test.ts"],
  },
  {
    name: "wire: a varint of ten bytes may have any last byte",
    file: "src/otlp/wire.ts",
    code: "i === 9 && byte > 1 ? MALFORMED : value",
    fault: "value",
    tests: ["src/otlp/wire.test.ts", "test/otlp/check.test.ts"],
  },
  {
    name: "wire: a length may be one longer than what is there",
    file: "src/otlp/wire.ts",
    code: "length > c.end - c.at ||",
    fault: "length > c.end - c.at + 1 ||",
    tests: ["src/otlp/wire.test.ts", "test/otlp/check.test.ts"],
  },
  {
    name: "wire: a group may end with another field's number",
    file: "src/otlp/wire.ts",
    code: "if (openGroups[--open] !== fieldOf(tag)) return false;",
    fault: "open--;",
    tests: ["src/otlp/wire.test.ts", "test/otlp/check.test.ts"],
  },
  {
    name: "wire: lengths from 2^21 on are a byte short",
    file: "src/otlp/wire.ts",
    code: "return value < 0x1000_0000 ? 4 : 5;",
    fault: "return 3;",
    tests: ["src/otlp/wire.test.ts", "test/otlp/merged.test.ts", "test/otlp/cut.test.ts"],
  },
  {
    name: "HTTP/2: a peer may send one byte more than its window",
    file: "src/http2/own/connection/receive-window.ts",
    code: "if (bytes > this.#left && bytes > 0) return false;",
    fault: "if (bytes > this.#left + 1 && bytes > 0) return false;",
    tests: ["test/http2/core/receive-window.test.ts"],
  },
  {
    name: "HTTP/2: padding is never given back",
    file: "src/http2/own/connection/receive-window.ts",
    code: "this.#due += bytes - body;",
    fault: "",
    tests: ["test/http2/core/receive-window.test.ts"],
  },
  {
    name: "HTTP/2: a stream that had its turn stays first",
    file: "src/http2/own/connection/send-round.ts",
    code: "  turn(stream: Stream): void {\n    this.#remove(stream);\n",
    fault: "  turn(stream: Stream): void {\n",
    tests: ["test/http2/core/flow-control.test.ts"],
  },
  {
    name: "HTTP/2: an allowance is never filled again",
    file: "src/http2/own/connection/allowance.ts",
    code: "this.#left = Math.min(this.#perSecond, this.#left + gained);",
    fault: "",
    tests: ["test/http2/core/named-tests.test.ts", "test/http2/core/faults.test.ts"],
  },
  {
    name: "HTTP/2: the authority may name somebody else than Host does",
    file: "src/http2/own/connection/block-facts.ts",
    code: "entity(scheme, host) !== entity(scheme, authority)",
    fault: "false",
    tests: ["test/http2/core/rules-messages.test.ts"],
  },
  {
    name: "queue: what is due at the same time comes out in any order",
    file: "src/data/queue/due-heap.ts",
    code: "x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.order < y.order)",
    fault: "x.dueMs < y.dueMs || (x.dueMs === y.dueMs && x.order > y.order)",
    tests: ["src/data/queue/due-heap.test.ts"],
  },
  {
    name: "queue: the retry budget has no bound above",
    file: "src/data/queue/retry-policy.ts",
    code: "this.#tokens = Math.min(CAPACITY, filled);",
    fault: "this.#tokens = filled;",
    tests: ["src/data/queue/retry-policy.test.ts"],
  },
  {
    name: "window: one congestion shrinks it once for each call",
    file: "src/data/export/window.ts",
    code: "if (sentMs <= window.shrunkMs) return",
    fault: "if (sentMs < -1) return",
    tests: ["src/data/export/window.test.ts"],
  },
  {
    name: "health: the window of successes forgets a slot too early",
    file: "src/data/health/success-window.ts",
    code: "slot.at <= from",
    fault: "slot.at <= from + 1",
    tests: ["src/data/health/success-window.test.ts"],
  },
  {
    name: "health: failures that left the window are still counted",
    file: "src/data/health/success-window.ts",
    code: "this.#failures -= slot.failures;",
    fault: "",
    tests: ["src/data/health/success-window.test.ts"],
  },
  {
    name: "reply: a part that failed is forgotten when another was delivered",
    file: "src/data/settlement.ts",
    code: "if (this.#failed !== undefined) this.#done",
    fault: "if (this.#failed !== undefined && this.#delivered === 0) this.#done",
    tests: ["src/data/settlement.test.ts"],
  },
  {
    name: "reply: of two failures the shorter wait is told",
    file: "src/data/settlement.ts",
    code: "(before.retryAfterMs ?? 0) >= (outcome.retryAfterMs ?? 0)",
    fault: "(before.retryAfterMs ?? 0) <= (outcome.retryAfterMs ?? 0)",
    tests: ["src/data/settlement.test.ts"],
  },
  {
    name: "join: a part that failed counts as one that arrived",
    file: "src/data/queue/join.ts",
    code: "if (failed !== undefined) return failed;",
    fault: "",
    tests: ["src/data/queue/join.test.ts"],
  },
  {
    name: "balance: who is no candidate earns all the same",
    file: "src/data/balance/smooth-weighted.ts",
    code: "if (!isCandidate(view, member)) continue;",
    fault: "",
    tests: ["src/data/balance/weighted-round-robin.test.ts", "src/data/balance/strategy.test.ts"],
  },
  {
    name: "receive: a delay in whole seconds is rounded down",
    file: "src/data/receive/reply.ts",
    code: "Math.max(1, Math.ceil(delayMs / 1_000))",
    fault: "Math.max(1, Math.floor(delayMs / 1_000))",
    tests: ["src/data/receive/reply.test.ts"],
  },
  {
    name: "control: a config that cannot be swapped stays in the file",
    file: "src/control/apply.ts",
    code: "await file?.replace(text, before);",
    fault: "",
    tests: ["test/admin/config-changes.test.ts"],
  },
  {
    name: "control: a version that could not be written is not kept",
    file: "src/control/history/history.ts",
    code: "text: isKept ? undefined : text",
    fault: "text: undefined",
    tests: ["test/server/config-walk.test.ts", "src/control/**/*.test.ts"],
  },
  {
    name: "control: the newest version may be forgotten",
    file: "src/control/history/history.ts",
    code: "while (this.#kept.length > 1) {",
    fault: "while (this.#kept.length > 0) {",
    tests: ["src/control/**/*.test.ts", "test/server/config-walk.test.ts"],
  },
];
