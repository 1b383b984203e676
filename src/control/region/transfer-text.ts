import type { RequestedTransfer } from "./request-transfer.ts";

/** What became of a transfer, for people: what happened, and what to do. */
export interface TransferText {
  readonly message: string;
  readonly hint?: string;
}

export function transferText(election: string, outcome: RequestedTransfer): TransferText {
  switch (outcome.kind) {
    case "transferred":
      return { message: `${election}: ${outcome.to} leads, and ${outcome.from} no more` };
    case "leads_already":
      return { message: `${election}: ${outcome.id} leads already` };
    case "changed":
      return {
        message: `${election}: ${outcome.leader} leads now: it was quicker`,
        hint: "try again if that is not meant",
      };
    case "nobody_leads":
      return {
        message: `${election}: nobody leads there`,
        hint: "nodes with the role controller stand for it; signalbox leader shows all who lead",
      };
    case "no_candidate":
      return { message: `${election}: no such candidate`, hint: standingText(outcome.standing) };
    case "asked_by_others":
      return { message: `${election}: somebody else asks for a transfer at this moment`, hint: "try again" };
    case "not_in_time":
      return {
        message: `${election}: ${outcome.reason}`,
        hint: "look who leads with signalbox leader, and at the log of that node",
      };
    default:
      return outcome satisfies never;
  }
}

function standingText(standing: readonly string[]): string {
  return standing.length === 0 ? "nobody else stands for it" : `these stand for it: ${standing.join(", ")}`;
}
