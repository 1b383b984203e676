import { BAD_INPUT } from "./bad-input.ts";
import { EXCHANGE } from "./exchange.ts";
import { LIFETIME } from "./lifetime.ts";
import { runGuarantees, type UnaryTransport } from "./rig.ts";

/** What every implementation of src/http2/port.ts guarantees. */
export function unaryTransportContract(name: string, open: UnaryTransport): void {
  runGuarantees(`${name}: exchange`, open, EXCHANGE);
  runGuarantees(`${name}: bad input`, open, BAD_INPUT);
  runGuarantees(`${name}: lifetime`, open, LIFETIME);
}
