import type { TargetConfig } from "../config/schema/config.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { GrpcConnectionPlan, ProtocolPlan } from "./plan.ts";

/** What only the target's protocol knows. Pure, and cannot fail. */
export function compileProtocol(target: TargetConfig): ProtocolPlan {
  const { protocol } = target;
  switch (protocol) {
    case "grpc":
      return { protocol, ...compileGrpcConnection(target) };
    case "http/protobuf":
    case "http/json":
      return { protocol };
    default:
      throw new Unreachable(protocol);
  }
}

/** Of the target itself, or of a check that asks by gRPC. */
export function compileGrpcConnection({ transport, keepalive_time: keepaliveMs }: TargetConfig): GrpcConnectionPlan {
  return { transport, keepaliveMs };
}
