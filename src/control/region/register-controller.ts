import { checkedPart, checkedPrefix } from "../../store/recipes/keys.ts";
import type { MemberHealth, MemberInfo } from "../../store/recipes/member.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { openRegistration } from "../../store/recipes/registration.ts";
import { createRegistry } from "../../store/recipes/registry.ts";
import type { CallOptions } from "../../store/store.ts";
import type { Log } from "../../telemetry/log.ts";
import { MEMBER_ROLES, MEMBER_SCHEMA_MAX, MEMBER_TLS } from "../fleet/member-metadata.ts";

/** A controller node, as the store lists it. */
export interface ControllerNode {
  readonly id: string;
  readonly region: string;
  /** Where collectors dial it. */
  readonly address: string;
  /** Whether it is dialled with TLS. */
  readonly tls: boolean;
  readonly version: string;
  /** Items/s that it can take as a collector; 0: unknown, or it is none. */
  readonly capacity: number;
  readonly roles: readonly string[];
  /** The highest `schema` of documents that it reads. */
  readonly schemaMax: number;
}

interface RegisterControllerOptions {
  readonly place: RecipePlace;
  readonly node: ControllerNode;
  readonly signal: AbortSignal;
  readonly ttlMs?: number | undefined;
  readonly log?: Log | undefined;
}

/** Listed until it is disposed, under sessions of its own. */
export interface RegisteredController extends AsyncDisposable {
  /** Throws as `Registration.heartbeat` does. */
  heartbeat(health: MemberHealth, options: CallOptions): Promise<void>;
}

/**
 * Lists a controller at `<prefix>/members/<id>`, where collectors look for one, and at
 * `<prefix>/collectors/<id>`, for people. Waits until it is, or the signal says so.
 */
export async function registerController(options: RegisterControllerOptions): Promise<RegisteredController> {
  const { place, node, signal, ttlMs, log } = options;
  const info = memberOf(node);
  const more = ttlMs === undefined ? { signal } : { signal, ttlMs };
  const key = `${checkedPrefix(place.prefix)}/collectors/${checkedPart(node.id, "the id of a node")}`;
  const registry = createRegistry(place, { log });
  const member = await registry.register(info, more);
  try {
    const collector = await openRegistration({ ...place, key }, info, more);
    const both = [member, collector];
    return {
      async heartbeat(health, call) {
        await Promise.all(both.map((one) => one.heartbeat(health, call)));
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(both.map((one) => one.deregister()));
      },
    };
  } catch (cause) {
    await member.deregister();
    throw cause;
  }
}

function memberOf({ id, region, address, tls, version, capacity, roles, schemaMax }: ControllerNode): MemberInfo {
  const metadata = {
    [MEMBER_ROLES]: roles.join(","),
    [MEMBER_TLS]: String(tls),
    [MEMBER_SCHEMA_MAX]: String(schemaMax),
  };
  return { id, name: id, address, region, capacity, version, metadata };
}
