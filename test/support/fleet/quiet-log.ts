import { createLog, type RootLog } from "../../../src/telemetry/log.ts";
import type { Clock } from "../../../src/core/clock.ts";

/** Lines as they would be written. */
export interface RecordedLog extends RootLog {
  readonly lines: readonly string[];
}

export function recordedLog(clock: Clock): RecordedLog {
  const lines: string[] = [];
  const log = createLog({
    clock,
    write: (line) => void lines.push(line),
    level: "info",
    format: "text",
    colour: false,
  });
  return Object.assign(log, { lines });
}
