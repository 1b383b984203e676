import { appendFileSync } from "node:fs";

const asked = process.env["SIGNALBOX_TEST_WORKERS"];
if (asked !== undefined && !/^\d$/u.test(asked)) throw new Error(`SIGNALBOX_TEST_WORKERS=${asked} is none of 0 to 9`);

/**
 * SIGNALBOX_TEST_WORKERS=1 and =2 run whole nodes over so many processes, 0 in that of the test;
 * undefined when it is not set.
 */
export const ASKED_WORKERS = asked === undefined ? undefined : Number(asked);

export const TEST_WORKERS = ASKED_WORKERS ?? 0;

/** The variable that names the file that {@link tellNode} writes to. */
export const NODES_FILE = "TEST_NODES_FILE";

/** How a node runs: `workers`, or why it does not. Does nothing when nobody asks. */
export function tellNode(how: string): void {
  const file = process.env[NODES_FILE];
  if (file !== undefined) appendFileSync(file, `${how}\n`);
}

const ARENA_DEBUG = process.env["SIGNALBOX_ARENA_DEBUG"];

/** What workers are started with: their arenas look for mistakes as those of this process do. */
export const WORKER_ENV = ARENA_DEBUG === undefined ? {} : { SIGNALBOX_ARENA_DEBUG: ARENA_DEBUG };
