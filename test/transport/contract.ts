import { BAD_INPUT } from "./bad-input.ts";
import { CONNECTIONS } from "./connections.ts";
import { DISMISSED } from "./dismissed.ts";
import { EXCHANGE } from "./exchange.ts";
import { GRPC_JS } from "./grpc-js.ts";
import { LIFETIME } from "./lifetime.ts";
import { OWNERS } from "./owners.ts";
import { REPLY_READING } from "./replies.ts";
import { runGuarantees, type UnaryTransport } from "./rig.ts";
import { TLS } from "./tls.ts";

/** What every implementation of src/http2/port.ts guarantees. */
export function unaryTransportContract(name: string, open: UnaryTransport): void {
  runGuarantees(`${name}: exchange`, open, EXCHANGE);
  runGuarantees(`${name}: dismissed`, open, DISMISSED);
  runGuarantees(`${name}: bad input`, open, BAD_INPUT);
  runGuarantees(`${name}: lifetime`, open, LIFETIME);
  runGuarantees(`${name}: replies`, open, REPLY_READING);
  runGuarantees(`${name}: connections`, open, CONNECTIONS);
  runGuarantees(`${name}: owners`, open, OWNERS);
  runGuarantees(`${name}: grpc-js`, open, GRPC_JS);
  runGuarantees(`${name}: TLS`, open, TLS);
}
