import { GLOBAL_ELECTION, isFleetElection } from "../control/coordination/seats.ts";
import type { RequestedTransfer, RequestTransferOptions, TransferAsked } from "../control/region/request-transfer.ts";
import { type TransferText, transferText } from "../control/region/transfer-text.ts";
import type { Coordination } from "./coordination.ts";

/** Of the fleet: what is transferred unless something else is named. */
export const DEFAULT_SCOPE = GLOBAL_ELECTION;

export interface TransferAnswer extends TransferText {
  readonly outcome: RequestedTransfer;
}

/** Whether that is the fleet's election, or a region's. */
export function isTransferScope(scope: string): boolean {
  return isFleetElection(scope);
}

/** What `signalbox leader transfer` does. Throws as the store does. */
export async function askTransfer(
  coordination: Coordination,
  asked: TransferAsked,
  options: RequestTransferOptions,
): Promise<TransferAnswer> {
  const outcome = await coordination.transfer(asked, options);
  return { outcome, ...transferText(asked.election, outcome) };
}
