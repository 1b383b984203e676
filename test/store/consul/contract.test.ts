import { CONTRACT_PARTS } from "../contract.ts";
import { consulContract } from "./consul-fixture.ts";

consulContract(
  "consul",
  CONTRACT_PARTS.filter((part) => part !== "leases"),
);
