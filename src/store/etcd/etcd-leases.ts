import type { LeaseClient } from "../lease.ts";
import type { EtcdSettings, StoreOptions } from "../store.ts";
import { checkSettings } from "./check-settings.ts";
import { isLeaseGone, storeError } from "./fault.ts";
import { listenToGrpc } from "./grpc-log.ts";
import { leaseId, leaseText } from "./lease-id.ts";
import { encodeLeaseGrant, encodeLeaseId } from "./messages.ts";
import { LEASE_GRANT, LEASE_KEEP_ALIVE, LEASE_REVOKE } from "./methods.ts";
import { Rpc } from "./rpc.ts";
import { Tokens } from "./tokens.ts";

/** Leases of etcd over a connection of their own. Throws `STORE_REFUSED` for unusable settings. */
export function openEtcdLeases(settings: EtcdSettings, options: StoreOptions): LeaseClient {
  checkSettings(settings);
  const rpc = new Rpc(settings, new Tokens(settings.user), options);
  const library = listenToGrpc((text) => options.observer.said?.(text));
  return {
    /** One whose grant got lost on the way ends by itself, so that another may be asked for. */
    async grant(ttlMs, call) {
      const answer = await rpc.call(LEASE_GRANT, encodeLeaseGrant(Math.ceil(ttlMs / 1_000)), call);
      if (!answer.ok) throw storeError(answer.faults);
      return { id: leaseText(answer.value.id), ttlMs: answer.value.ttlSeconds * 1_000 };
    },
    /**
     * A stream for each: so an answer is never taken for that of a later call, whose time would
     * then be counted from too late.
     */
    async renew(text, call) {
      const id = leaseId(text);
      if (id === undefined) return undefined;
      const answer = await rpc.exchange(LEASE_KEEP_ALIVE, encodeLeaseId(id), call);
      if (answer.ok) {
        const { ttlSeconds } = answer.value;
        return ttlSeconds <= 0 ? undefined : { id: text, ttlMs: ttlSeconds * 1_000 };
      }
      if (answer.faults.some(isLeaseGone)) return undefined;
      throw storeError(answer.faults);
    },
    async revoke(text, call) {
      const id = leaseId(text);
      if (id === undefined) return;
      const answer = await rpc.call(LEASE_REVOKE, encodeLeaseId(id), call);
      if (!answer.ok && !answer.faults.some(isLeaseGone)) throw storeError(answer.faults);
    },
    async [Symbol.asyncDispose]() {
      for (const part of [rpc, library]) part[Symbol.dispose]();
    },
  };
}
