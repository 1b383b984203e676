import type { RequestedTransfer, RequestTransferOptions, TransferAsked } from "../control/region/request-transfer.ts";
import { type TransferText, transferText } from "../control/region/transfer-text.ts";
import type { Coordination } from "./coordination.ts";

/** What is transferred unless something else is named, and whether anything else can be. */
export { GLOBAL_ELECTION as DEFAULT_SCOPE, isFleetElection as isTransferScope } from "../control/coordination/seats.ts";

export interface TransferAnswer extends TransferText {
  readonly outcome: RequestedTransfer;
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
