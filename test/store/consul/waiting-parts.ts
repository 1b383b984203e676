import type { ContractPart } from "../contract.ts";

/** Parts of the contract that wait for half a minute and do little: they run beside each other. */
export const WAITING_PARTS: readonly ContractPart[] = ["leases", "catchUps", "networkFaults"];
