import { RouterError, reasonOf } from "../../core/errors.ts";

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
const ERROR = 1;
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Of IOERR: the -shm of a file could not be made, or not made as long as it has to be. */
const IOERR_SHMOPEN = 4_618;
const IOERR_SHMSIZE = 4_874;

const RIGHTS_HINT = "the user that Signalbox runs as has to be able to write the file and its directory";

/** What has to be done with a file that cannot be used: also in docs/coordination.md. */
export const MOVE_AWAY =
  "stop all that use it, move the file away with its -wal and -shm beside it (or put a backup there) and start again: " +
  "locks and sessions begin anew, and what was kept in it has to be brought again";

/** Somebody else writes: another try may help. Nothing was written. */
export function isBusy(cause: unknown): boolean {
  const code = primaryCode(cause);
  return code === BUSY || code === LOCKED;
}

/** No write can be made now, whatever it were: what is there can be read. */
export function isUnwritable(cause: unknown): boolean {
  const code = primaryCode(cause instanceof RouterError ? cause.cause : cause);
  return code === FULL || code === READONLY || code === IOERR;
}

/** The file is there, and what is shared of it in memory has no place beside it. */
export function hasNoRoomForIndex(cause: unknown): boolean {
  const code = resultCode(cause);
  return code === IOERR_SHMOPEN || code === IOERR_SHMSIZE;
}

/** As the port throws it. */
export function storeError(file: string, cause: unknown): RouterError {
  if (cause instanceof RouterError) return cause;
  switch (primaryCode(cause)) {
    case ERROR: // what is asked is right: the tables are not as they were made
    case CORRUPT:
    case NOTADB:
      return damaged(file, reasonOf(cause), cause);
    case FULL:
      return refused(file, "no room is left", "make room on its disk; Signalbox goes on by itself", cause);
    case READONLY:
    case PERM:
    case CANTOPEN:
      return refused(file, reasonOf(cause), RIGHTS_HINT, cause);
    default:
      return new RouterError("STORE_UNREACHABLE", `store ${file}: ${reasonOf(cause)}`, { cause });
  }
}

export function damaged(file: string, what: string, cause?: unknown): RouterError {
  return refused(file, `the file is damaged (${what})`, MOVE_AWAY, cause);
}

/** Of a commit: it may be there after the next start, although it is not now. */
export function unknownOutcome(file: string, cause: unknown): RouterError {
  return new RouterError("STORE_UNKNOWN", `store ${file}: a write may or may not be safe on disk: ${reasonOf(cause)}`, {
    cause,
    hint: "read before writing again, and look after the disk",
  });
}

function refused(file: string, what: string, hint: string, cause: unknown): RouterError {
  return new RouterError("STORE_REFUSED", `store ${file}: ${what}`, { hint, cause });
}

function primaryCode(cause: unknown): number | undefined {
  const code = resultCode(cause);
  return code === undefined ? undefined : code & 0xff;
}

function resultCode(cause: unknown): number | undefined {
  const isResult = cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number";
  return isResult ? Number(cause.errcode) : undefined;
}
