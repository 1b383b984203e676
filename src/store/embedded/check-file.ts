import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { StoreCheck, StoreWarning } from "../store.ts";
import { FORMAT, isInMemory } from "./database.ts";
import type { StoreFile } from "./store-file.ts";

/** Room for the history, its log and as much again. */
const LITTLE_ROOM_BYTES = 268_435_456;
/** Magic numbers of statfs(2): NFS, SMB, CIFS, 9P. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0xfe53_4d42, 0xff53_4d42, 0x0102_1997]);

export function checkFile(file: StoreFile, clock: Clock): StoreCheck {
  const startMs = clock.nowMs();
  const { revision } = file.state();
  const latencyMs = clock.nowMs() - startMs;
  const sqlite = process.versions["sqlite"] ?? "unknown";
  const warnings = isInMemory(file.name) ? [] : [...versionWarnings(sqlite), ...diskWarnings(file.name)];
  return { latencyMs, version: `SQLite ${sqlite}, format ${FORMAT}`, revision, clock: undefined, warnings };
}

/**
 * Until 3.51.3 two connections that take the log over at the same time could, rarely, damage the
 * file (https://sqlite.org/wal.html#walresetbug); 3.50.7 and 3.44.6 have it mended, too.
 */
export function versionWarnings(sqlite: string): StoreWarning[] {
  const [major = 0, minor = 0, patch = 0] = sqlite.split(".").map(Number);
  const mendedFrom = new Map([
    [44, 6],
    [50, 7],
    [51, 3],
  ]);
  const isMended = major > 3 || minor > 51 || patch >= (mendedFrom.get(minor) ?? Number.POSITIVE_INFINITY);
  if (isMended) return [];
  return [
    {
      code: "old_version",
      message: `the SQLite of this Node.js (${sqlite}) can damage a file that several processes write to, though rarely`,
      hint: "take a newer Node.js: one with SQLite 3.51.3 or later",
    },
  ];
}

function diskWarnings(file: string): StoreWarning[] {
  const { type, bavail, bsize } = statfsSync(dirname(file));
  const warnings: StoreWarning[] = [];
  if (NETWORK_FILE_SYSTEMS.has(type)) {
    warnings.push({
      code: "network_file_system",
      message: `${file} is on a network file system, where neither locks nor syncing can be relied on`,
      hint: "put it on a disk of this machine, or use etcd or Consul",
    });
  }
  if (bavail * bsize < LITTLE_ROOM_BYTES) {
    warnings.push({
      code: "little_room",
      message: `little room is left beside ${file}: ${Math.floor((bavail * bsize) / 1_048_576)} MiB`,
      hint: "make room on its disk: without any, nothing can be written",
    });
  }
  return warnings;
}
