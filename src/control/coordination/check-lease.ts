import { SESSION_TTL_MS } from "../../store/store.ts";
import type { DoctorFinding, Patient } from "./doctor-finding.ts";

const SECOND = 1_000;

/** Opens a session, and tells how much of its time is left to work with. */
export async function checkLease({ store, clock }: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const { minTtlMs, expiryFactor } = store.facts;
  const startMs = clock.nowMs();
  await using session = await store.openSession({ signal, ttlMs: Math.max(minTtlMs, SESSION_TTL_MS) });
  const tookMs = clock.nowMs() - startMs;
  const validMs = session.validForMs();
  const times = `a lease of ${seconds(session.ttlMs)} was granted in ${Math.round(tookMs)} ms, ${seconds(validMs)} of it are left`;
  const failover = `what its holder has is another's at the latest ${seconds(session.ttlMs * expiryFactor + SECOND)} after its death`;
  // A third is when it is renewed: an answer must come well before what is left is over.
  if (tookMs <= session.ttlMs / 3 && validMs >= session.ttlMs / 3) {
    return [{ check: "lease", status: "ok", message: `${times}; ${failover}` }];
  }
  return [
    {
      check: "lease",
      status: "warning",
      message: `${times}: sessions will be lost under load`,
      hint: "bring the store nearer, or make it faster: see the finding on latency",
    },
  ];
}

function seconds(ms: number): string {
  return `${(ms / SECOND).toFixed(1).replace(/\.0$/u, "")} s`;
}
