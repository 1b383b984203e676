import { randomUUID } from "node:crypto";
import { RouterError } from "../../core/errors.ts";
import { MAX_TXN_OPERATIONS, type StoreKind } from "../../store/store.ts";
import { type DoctorFinding, failed, type Patient } from "./doctor-finding.ts";

/**
 * Whether keys below the prefix can be read, written and deleted, and whether others can be read,
 * which is more than is needed.
 */
export async function checkRights(
  patient: Patient,
  isOpenToAll: boolean,
  signal: AbortSignal,
): Promise<DoctorFinding[]> {
  const { store, prefix } = patient;
  const { kind } = store.facts;
  const key = `${prefix}/doctor/${randomUUID()}`;
  try {
    const value = new TextEncoder().encode("{}");
    await store.txn({ if: [{ kind: "absent", key }], then: [{ kind: "put", key, value }] }, { signal });
    // Also what others left that were cut off in the middle.
    const { entries } = await store.list(`${prefix}/doctor/`, { signal, limit: MAX_TXN_OPERATIONS });
    await store.txn({ if: [], then: entries.map((one) => ({ kind: "delete", key: one.key })) }, { signal });
  } catch (cause) {
    const finding = failed("rights", cause);
    // Of a file, why it cannot be written is known: it may be the disk.
    const hint = (kind === "embedded" ? finding.hint : undefined) ?? grantHint(kind, prefix);
    return [{ ...finding, message: `${key} cannot be written: ${finding.message}`, hint }];
  }
  const findings: DoctorFinding[] = [
    { check: "rights", status: "ok", message: `keys below ${prefix}/ can be read, written and deleted` },
  ];
  // Where nobody is asked who they are, all may do all, and that is told already.
  if (kind === "embedded" || isOpenToAll) return findings;
  if (!patient.hasCredentials) return patient.isLocal ? findings : [...findings, open(kind)];
  const isWide = await canReadElsewhere(patient, signal);
  return isWide ? [...findings, wide(kind, prefix)] : findings;
}

/** Nobody has such a key; whether that may be known is what is asked. */
async function canReadElsewhere({ store }: Patient, signal: AbortSignal): Promise<boolean> {
  try {
    await store.get(`/doctor-${randomUUID()}`, { signal });
    return true;
  } catch (cause) {
    if (cause instanceof RouterError && cause.code === "STORE_REFUSED") return false;
    throw cause;
  }
}

function open(kind: StoreKind): DoctorFinding {
  return {
    check: "rights",
    status: "warning",
    message: `${kind} is asked without a user or token: whoever reaches it may change the fleet`,
    hint: "docs/coordination.md has the commands that make a user for this prefix alone",
  };
}

/** A password is then not even looked at, and all may be read. */
const AUTH_OFF = "switch authentication on where it is off (etcdctl auth enable); then ";

function wide(kind: StoreKind, prefix: string): DoctorFinding {
  return {
    check: "rights",
    status: "warning",
    message: `more than ${prefix}/ can be read`,
    hint: `${kind === "etcd" ? AUTH_OFF : ""}cut the rights down: ${grantHint(kind, prefix)}`,
  };
}

/** One way to give what is needed, and no more. */
function grantHint(kind: StoreKind, prefix: string): string {
  switch (kind) {
    case "etcd":
      return `etcdctl role grant-permission signalbox readwrite ${prefix}/ --prefix=true`;
    case "consul":
      return `a policy with key_prefix "${prefix.slice(1)}/" { policy = "write" } and session_prefix "" { policy = "write" }`;
    case "embedded":
      return "the user of this process needs to write to the file and its directory";
    default:
      return kind satisfies never;
  }
}
