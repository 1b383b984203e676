import assert from "node:assert/strict";
import { test } from "node:test";
import { absenceOf, findProgram, type ProgramName } from "../../set-up/programs.ts";
import { PATIENCE_MS } from "../../support/patience.ts";
import { type ArenaName, openArena } from "./arena.ts";
import { runRounds } from "./rounds.ts";

const PROGRAMS: Readonly<Record<ArenaName, ProgramName | undefined>> = {
  embedded: undefined,
  etcd: "etcd",
  etcd3: "etcd",
  consul: "consul",
};

/** The short form of `npm run rounds`. */
export function safeRounds(name: ArenaName, size: { rounds: number; waves: number; elections: number }): void {
  const skip = skipWithout(name);
  test(`rounds: on ${name} five candidates that are killed, held up and cut off are safe`, { skip }, async () => {
    await using arena = await openArena(name);
    const { rounds, violations, history } = await runRounds({
      ...arena,
      ...size,
      waves: arena.waves.slice(0, size.waves),
      prefix: "/rounds",
      patienceMs: PATIENCE_MS,
    });
    assert.deepEqual(violations, []);
    const ended = Object.values(rounds).reduce((sum, one) => sum + one, 0);
    assert.ok(ended >= size.rounds, `${ended} leaders were disrupted`);
    // Each of them had written, and so had whoever followed.
    assert.ok(new Set(history.writes.map(({ epoch, scope }) => `${scope} ${epoch}`)).size > ended);
  });
}

/** Why tests on it are skipped. */
export function skipWithout(name: ArenaName): string | false {
  const program = PROGRAMS[name];
  return program !== undefined && findProgram(program) === undefined ? absenceOf(program) : false;
}
