import {
  decodeLease,
  decodeNothing,
  decodeRange,
  decodeStatus,
  decodeToken,
  decodeTxn,
  decodeWatch,
  type LeaseResponse,
  type RangeResponse,
  type StatusResponse,
  type TxnResponse,
  type WatchResponse,
} from "./messages.ts";

/** A call of etcd's API, and how its answers are read. */
export interface EtcdMethod<Answer> {
  readonly path: string;
  readonly decode: (bytes: Uint8Array) => Answer;
  /** Sent again after a lost answer it could do twice what it does. */
  readonly isWrite?: boolean;
}

export const RANGE: EtcdMethod<RangeResponse> = { path: "/etcdserverpb.KV/Range", decode: decodeRange };
export const TXN: EtcdMethod<TxnResponse> = { path: "/etcdserverpb.KV/Txn", decode: decodeTxn, isWrite: true };
export const COMPACT: EtcdMethod<undefined> = { path: "/etcdserverpb.KV/Compact", decode: decodeNothing };
export const WATCH: EtcdMethod<WatchResponse> = { path: "/etcdserverpb.Watch/Watch", decode: decodeWatch };
/** A lease whose grant got lost on the way ends by itself. */
export const LEASE_GRANT: EtcdMethod<LeaseResponse> = { path: "/etcdserverpb.Lease/LeaseGrant", decode: decodeLease };
export const LEASE_REVOKE: EtcdMethod<undefined> = { path: "/etcdserverpb.Lease/LeaseRevoke", decode: decodeNothing };
export const LEASE_KEEP_ALIVE: EtcdMethod<LeaseResponse> = {
  path: "/etcdserverpb.Lease/LeaseKeepAlive",
  decode: decodeLease,
};
export const AUTHENTICATE: EtcdMethod<string> = { path: "/etcdserverpb.Auth/Authenticate", decode: decodeToken };
export const STATUS: EtcdMethod<StatusResponse> = { path: "/etcdserverpb.Maintenance/Status", decode: decodeStatus };
