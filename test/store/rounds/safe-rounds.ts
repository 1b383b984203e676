import assert from "node:assert/strict";
import { test } from "node:test";
import { absenceOf, findProgram, type ProgramName } from "../../set-up/programs.ts";
import { PATIENCE_MS } from "../../support/patience.ts";
import { type ArenaName, openArena } from "./arena.ts";
import { inWords, roundsIn, runRounds } from "./rounds.ts";

const PROGRAMS: Readonly<Record<ArenaName, ProgramName | undefined>> = {
  embedded: undefined,
  etcd: "etcd",
  etcd3: "etcd",
  consul: "consul",
};

/** As `npm run rounds`, with so many waves and elections that it takes seconds. */
export function safeRounds(name: ArenaName, size: { rounds: number; waves: number; elections: number }): void {
  const skip = skipWithout(name);
  test(`rounds: on ${name} five candidates that are killed, held up and cut off are safe`, { skip }, async (t) => {
    await using arena = await openArena(name);
    const waves = arena.waves.slice(0, size.waves);
    const report = await runRounds({ ...arena, ...size, waves, prefix: "/rounds", patienceMs: PATIENCE_MS });
    t.diagnostic(`${name}: ${inWords(report)}`);
    const { rounds, violations, history, candidates, members } = report;
    assert.deepEqual(violations, []);
    const ended = roundsIn(report);
    assert.ok(ended >= size.rounds, `${ended} leaders were disrupted`);
    // Each of them had written, and so had whoever followed.
    assert.ok(new Set(history.writes.map(({ epoch, scope }) => `${scope} ${epoch}`)).size > ended);
    for (const how of waves[0]?.candidates ?? []) assert.ok(rounds[how], how);
    assert.ok(candidates.size > 1, "more than one of them led when it was disrupted");
    const killed = waves.flatMap(({ member }) => member ?? []);
    assert.deepEqual(Object.keys(members).toSorted(), [...new Set(killed)].toSorted());
  });
}

/** Why tests on it are skipped. */
export function skipWithout(name: ArenaName): string | false {
  const program = PROGRAMS[name];
  return program !== undefined && findProgram(program) === undefined ? absenceOf(program) : false;
}
