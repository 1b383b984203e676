import type { Mutant } from "./mutant.ts";

export const HTTP1_MUTANTS: readonly Mutant[] = [
  {
    name: "HTTP/1.1: a head as the one before may leave its length out",
    file: "src/http1/own/known-head.ts",
    code: "if (at === from + digitsAt) return -1;",
    fault: "",
    tests: ["test/http1/smuggling.test.ts", "test/http1/connection.test.ts"],
  },
  {
    name: "HTTP/1.1: the length of a head as the one before may have a digit more",
    file: "src/http1/own/known-head.ts",
    code: "const MAX_DIGITS = 15;",
    fault: "const MAX_DIGITS = 16;",
    tests: ["test/http1/smuggling.test.ts", "test/http1/connection.test.ts"],
  },
  {
    name: "HTTP/1.1: a trailer may name a length",
    file: "src/http1/own/chunk-reader.ts",
    code: "FORBIDDEN.has(this.#trailerName) ? FORBIDDEN_TRAILER : ",
    fault: "",
    tests: ["test/http1/smuggling.test.ts"],
  },
  {
    name: "HTTP/1.1: a reply closes before those of the requests behind it",
    file: "src/http1/own/connection.ts",
    code: "(isLast && this.#held === undefined && this.#closesNow(request))",
    fault: "this.#closesNow(request)",
    tests: ["test/http1/connection.test.ts"],
  },
  {
    name: "HTTP/1.1: a connection that drains closes before what one read brought and had to wait",
    file: "src/http1/own/connection.ts",
    code: "isLast && this.#held === undefined && this.#closesNow(request)",
    fault: "isLast && this.#closesNow(request)",
    tests: ["test/http1/connection.test.ts"],
  },
  {
    name: "HTTP/1.1: what had to wait is lost when the peer has sent its last",
    file: "src/http1/own/connection.ts",
    code: "if (this.#held === undefined) this.#finish();",
    fault: "this.#finish();",
    tests: ["test/http1/times.test.ts"],
  },
  {
    name: "HTTP/1.1: bytes that trickle make the time of a request longer",
    file: "src/http1/own/connection.ts",
    code: "if (!this.#reader.isWithin) this.#beganMs = this.#nowMs;",
    fault: "this.#beganMs = this.#nowMs;",
    tests: ["test/http1/times.test.ts"],
  },
];
