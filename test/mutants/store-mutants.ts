import type { Mutant } from "./mutant.ts";

export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: "locks: what a holder writes is not compared with its key",
    file: "src/store/recipes/lock-hold.ts",
    code: 'if: [{ kind: "created", key, revision: epoch }, ...txn.if],',
    fault: "if: txn.if,",
    tests: ["src/store/recipes/lock-loss.test.ts"],
  },
  {
    name: "locks: whoever waits believes that its key is still there",
    file: "src/store/recipes/lock-queue.ts",
    code: "if (!outcome.done) throw placeLost(turn);",
    fault: "",
    tests: ["src/store/recipes/lock-loss.test.ts"],
  },
  {
    name: "locks: whoever waits wakes with any that is before it",
    file: "src/store/recipes/lock-queue.ts",
    code: "|| entry.created > before.created",
    fault: "|| entry.created < before.created",
    tests: ["src/store/recipes/lock.test.ts"],
  },
  {
    name: "locks: a holder does not look after its key",
    file: "src/store/recipes/lock-hold.ts",
    code: "    void this.#watch();\n",
    fault: "",
    tests: ["src/store/recipes/lock-loss.test.ts"],
  },
  {
    name: "locks: a process that stood still takes what it got before for its own",
    file: "src/store/recipes/lock-contend.ts",
    code: "if (session.validForMs() <= 0) throw placeLost(turn);",
    fault: "",
    tests: ["src/store/recipes/lock*.test.ts"],
  },
  {
    name: "locks: a key of one who gave up waits for the end of its session",
    file: "src/store/recipes/lock-leave.ts",
    code: "for (const { key, created } of keys) await remove(place, session, { key, created }, options);",
    fault: "void remove; void keys; void place; void session; void options;",
    tests: ["src/store/recipes/lock*.test.ts"],
  },
  {
    name: "elections: a candidate whose turn it is leads before it knows",
    file: "src/store/recipes/election-observe.ts",
    code: " || !seat.holds",
    fault: "",
    tests: ["src/store/recipes/election.test.ts"],
  },
  {
    name: "elections: observers are told of what is known in part",
    file: "src/store/recipes/election-observe.ts",
    code: "lost === undefined ? leaderAmong(place, entries.values())",
    fault: "true ? leaderAmong(place, entries.values())",
    tests: ["src/store/recipes/election.test.ts"],
  },
];
