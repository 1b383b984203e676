import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to whoever dials or asks for any port (32768 on Linux, 49152
 * elsewhere): nobody gets one of these by chance between the look and the program's start, or
 * while the program is away.
 */
const FIRST = 10_000;
const SLICE = 100;
const SLICES = 220;

/** Processes that run at the same time seldom have the same slice: their ids are neighbours. */
const begin = FIRST + (process.pid % SLICES) * SLICE;
let taken = randomInt(SLICE);

/**
 * Ports of loopback that nobody has right now, for programs that cannot be told to choose one
 * themselves. No two calls of a process give the same one until its slice has been round.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries++) {
    assert.ok(tries < SLICE, `of the ports from ${begin} to ${begin + SLICE - 1} no ${count} are free`);
    const port = begin + (taken++ % SLICE);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  await once(server.close(), "close");
  return true;
}
