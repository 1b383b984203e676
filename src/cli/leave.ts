/** So long a call of a file system may still take when all else has ended. */
const PATIENCE_MS = 500;
const LOOK_MS = 20;

/**
 * Ends the process with this code. While a call of a file system hangs, an exit waits for it, for ever: where one does not end, the process
 * is killed instead (its code is then 137).
 */
export async function leave(code: number, { patienceMs = PATIENCE_MS } = {}): Promise<never> {
  for (let waitedMs = 0; isInFileSystem(); waitedMs += LOOK_MS) {
    if (waitedMs >= patienceMs) process.kill(process.pid, "SIGKILL");
    // oxlint-disable-next-line no-restricted-globals -- the end of the process, where there is no clock any more
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  process.exit(code);
}

function isInFileSystem(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith("FSReq"));
}
