import { CONTRACT_PARTS, type ContractPart } from "../contract.ts";
import { consulContract } from "./consul-fixture.ts";
import { WAITING_PARTS } from "./waiting-parts.ts";

/** Consul has no history that could be gone. */
const OTHERS: readonly ContractPart[] = [...WAITING_PARTS, "compaction"];
consulContract(
  "consul",
  CONTRACT_PARTS.filter((part) => !OTHERS.includes(part)),
);
