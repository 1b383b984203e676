import { formatEpoch } from "../../store/recipes/epoch.ts";
import { type FleetIdentity, type FoundFleet, compareFleet } from "../../store/recipes/identity.ts";
import type { DoctorFinding } from "./doctor-finding.ts";

/** Whether a node that remembers `known` would follow a store that says so. */
export function identityFindings(known: FleetIdentity | undefined, found: FoundFleet): DoctorFinding {
  const check = "identity";
  const verdict = compareFleet(known, found);
  switch (verdict.kind) {
    case "isolated":
      return isolatedFinding(verdict);
    case "unformed":
      return { check, status: "warning", message: verdict.message, hint: verdict.hint };
    case "new":
    case "same":
    case "raised": {
      const { id, generation, minEpoch } = verdict.identity;
      const knows = { new: "", same: ", as this node remembers", raised: ", which this node will follow" };
      const message = `fleet ${id}, generation ${generation}, from epoch ${formatEpoch(minEpoch)} on`;
      return { check, status: "ok", message: `${message}${knows[verdict.kind]}` };
    }
    default:
      return verdict satisfies never;
  }
}

/** Why a node does not follow the store. */
export function isolatedFinding({ message, hint }: { readonly message: string; readonly hint: string }): DoctorFinding {
  return { check: "identity", status: "failed", message, hint };
}
