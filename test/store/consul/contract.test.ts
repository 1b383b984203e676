import { CONTRACT_PARTS, type ContractPart } from "../contract.ts";
import { consulContract } from "./consul-fixture.ts";
import { WAITING_PARTS } from "./waiting-parts.ts";

const isQuick = (part: ContractPart): boolean => !WAITING_PARTS.includes(part);
consulContract("consul", CONTRACT_PARTS.filter(isQuick));
