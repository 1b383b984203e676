/**
 * Rounds of elections on a real store, as many as one likes: `npm run rounds -- etcd 200`, with how
 * many elections go on at the same time as a third word. Stores: embedded, etcd, etcd3 (three
 * members), consul. Exit code 1 when something was not safe.
 */
import { setUp } from "../../set-up.ts";
import { type ArenaName, ARENAS, openArena } from "./arena.ts";
import { inWords, runRounds } from "./rounds.ts";

const ROUNDS = 200;
const ELECTIONS = 10;
/** For each wait: a busy machine takes its time. */
const PATIENCE_MS = 600_000;
/** A folder with this name makes ready what the store needs. */
const PROGRAM: Readonly<Record<ArenaName, string>> = {
  embedded: "embedded",
  etcd: "etcd",
  etcd3: "etcd",
  consul: "consul",
};

async function run(name: ArenaName, rounds: number, elections: number): Promise<boolean> {
  await setUp([`test/store/${PROGRAM[name]}/rounds.test.ts`]);
  await using arena = await openArena(name);
  const { violations, history } = await runRounds({
    ...arena,
    rounds,
    elections,
    prefix: "/rounds",
    patienceMs: PATIENCE_MS,
    onWave: (counts) => void process.stdout.write(`${name}: ${inWords(counts)}\n`),
  });
  const { told, writes, queue } = history;
  process.stdout.write(
    `${name}: ${told.length} told by candidates, ${writes.length} writes, ${queue.length} states of elections\n`,
  );
  for (const { kind, scope, message } of violations) process.stdout.write(`${scope}: ${kind}: ${message}\n`);
  process.stdout.write(violations.length === 0 ? `${name}: safe\n` : `${name}: ${violations.length} violations\n`);
  return violations.length === 0;
}

const [word, rounds = ROUNDS, elections = ELECTIONS] = process.argv.slice(2);
const name = ARENAS.find((one) => one === word);
if (name === undefined) {
  process.stderr.write(`name one of ${ARENAS.join(", ")}\n`);
  process.exitCode = 1;
} else if (!(await run(name, Number(rounds), Number(elections)))) process.exitCode = 1;
