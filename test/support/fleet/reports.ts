import { type CollectorReport, ReportSchema } from "../../../src/control/fleet/messages.ts";

/** What a collector says, with what a test wants of it. */
export function reportOf(id: string, more: Partial<CollectorReport> = {}): CollectorReport {
  return { ...ReportSchema.parse({ id, region: "eu", incarnation: "one", seq: 1 }), ...more };
}

/** Its load, likewise. */
export function loadOf(more: Partial<CollectorReport["load"]>): CollectorReport["load"] {
  return { ...reportOf("any").load, ...more };
}
