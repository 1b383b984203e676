import type { DoctorFinding, Patient } from "./doctor-finding.ts";

const CONTROLLERS = ["collectors", "directives", "elections", "members", "regions", "transfers"];
/** What comes to regions and what it has cost, and an order for the whole fleet. */
const LOAD = ["degradation", "sampling", "sampling-spend"];
/** What Signalbox has below a prefix. */
const OWN = new Set(["fleet", "locks", "config", "doctor", "global", ...CONTROLLERS, ...LOAD]);
const LOOKED_AT = 1_000;
const NAMED = 5;

/** What stands below the prefix, and whether it is all ours. */
export async function checkPrefixKeys({ store, prefix }: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  const { entries, hasMore } = await store.list(`${prefix}/`, { signal, limit: LOOKED_AT });
  const names = entries.map(({ key }) => key.slice(prefix.length + 1).split("/", 1)[0] ?? "");
  const strange = [...new Set(names.filter((name) => !OWN.has(name)))];
  if (strange.length > 0) {
    const shown = strange.slice(0, NAMED).map((name) => `${prefix}/${name}`);
    return [
      {
        check: "prefix",
        status: "warning",
        message: `${shown.join(", ")}${strange.length > NAMED ? " and more" : ""} are not Signalbox's`,
        hint: "give each fleet a prefix of its own: node.coordination.prefix",
      },
    ];
  }
  const amount = hasMore ? `the first ${entries.length}` : `${entries.length}`;
  return [{ check: "prefix", status: "ok", message: `keys below ${prefix}/: ${amount}, all of them Signalbox's` }];
}
