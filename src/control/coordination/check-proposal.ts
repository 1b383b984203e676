import { mirrorKey, proposalWaits } from "../truth/mirror.ts";
import { createElection } from "../../store/recipes/election.ts";
import type { DoctorFinding, Patient } from "./doctor-finding.ts";

/** Who leads the whole fleet takes what people put into the store. */
const ELECTION = "global";

/** Says so when somebody has put a config into the store that nobody has taken yet. */
export async function checkProposal(patient: Patient, signal: AbortSignal): Promise<DoctorFinding[]> {
  if (!(await proposalWaits(patient, { signal }))) {
    return [{ check: "config", status: "ok", message: "nothing that was put there by hand waits" }];
  }
  const key = mirrorKey(patient.prefix);
  const leader = await createElection(patient, ELECTION).leader({ signal });
  const message = `what somebody has put at ${key} waits: it is no version of the config yet`;
  const hint =
    leader.kind === "leader"
      ? `${leader.id} leads, and takes it or refuses it in a moment: look at its log`
      : "nobody leads the fleet, who would take it: start a node with the role controller, or signalbox config apply";
  return [{ check: "config", status: "warning", message, hint }];
}
