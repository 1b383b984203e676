import { test } from "node:test";
import { TRIALS, tryInput } from "./fuzz-run.ts";

/**
 * FUZZ_RUNS=n for more of them, FUZZ_SEED=n for the one that failed. Many more:
 * `node test/fuzz/long.ts`.
 */
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 1_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

const NAMES = {
  busy: "any bytes in any split end in a failure or a wait",
  splits: "any bytes are the same in any split",
};

for (const role of ["server", "client"] as const) {
  for (const trial of TRIALS) {
    test(`${NAMES[trial]}, at a ${role}`, (t) => {
      t.diagnostic(`FUZZ_SEED=${SEED}`);
      const runs = process.env["FUZZ_SEED"] === undefined ? RUNS : 1;
      for (let i = 0; i < runs; i++) tryInput((SEED + i) | 0, role, trial);
    });
  }
}
