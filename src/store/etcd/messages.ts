import { MessageWriter, readMessage, signed, textOf } from "./wire.ts";

/**
 * The messages of etcd's v3 API that are used here, as in its rpc.proto, kv.proto and auth.proto:
 * numbers of fields have not changed since 3.0. Fields that nobody reads are not here.
 */

interface Header {
  readonly clusterId: bigint;
  readonly revision: bigint;
}

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly created: bigint;
  readonly modified: bigint;
  /** 0: none. */
  readonly lease: bigint;
}

export interface RangeRequest {
  readonly key: Uint8Array;
  /** Exclusive; without it the one key. */
  readonly end?: Uint8Array;
  readonly limit?: number;
  readonly revision?: bigint;
  readonly keysOnly?: boolean;
  readonly minModified?: bigint;
}

export interface RangeResponse {
  readonly header: Header;
  readonly entries: readonly KeyValue[];
  readonly more: boolean;
}

/** All of them compare for equality. */
export interface Comparison {
  readonly target: "created" | "modified" | "lease";
  readonly key: string;
  readonly value: bigint;
}

export type Operation =
  | { readonly kind: "range"; readonly range: RangeRequest }
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly lease: bigint }
  | { readonly kind: "delete"; readonly key: string };

export interface TxnRequest {
  readonly compare: readonly Comparison[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  /** Of the reads among its operations, in their order. */
  readonly ranges: readonly RangeResponse[];
}

export interface WatchEventMessage {
  readonly isDelete: boolean;
  readonly entry: KeyValue;
}

export interface WatchResponse {
  readonly header: Header;
  readonly watchId: bigint;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0: what was asked for is gone from the history. */
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  /** Whether more of the same revision follows. */
  readonly fragment: boolean;
  readonly events: readonly WatchEventMessage[];
}

export interface LeaseResponse {
  readonly id: bigint;
  readonly ttlSeconds: number;
}

export interface StatusResponse {
  readonly header: Header;
  readonly version: string;
  readonly dbSize: number;
  /** 0 before 3.6. */
  readonly dbSizeQuota: number;
  /** 0: there is none. */
  readonly leader: bigint;
  readonly errors: readonly string[];
}

export function encodeRange(request: RangeRequest): Buffer {
  return rangeWriter(request).finish();
}

export function encodeTxn({ compare, success, failure }: TxnRequest): Buffer {
  const writer = new MessageWriter();
  for (const comparison of compare) writer.message(1, comparisonWriter(comparison));
  for (const operation of success) writer.message(2, operationWriter(operation));
  for (const operation of failure) writer.message(3, operationWriter(operation));
  return writer.finish();
}

export function encodeCompaction(revision: bigint): Buffer {
  return new MessageWriter().int(1, revision).finish();
}

/** From `startRevision` on, with progress told, large responses in parts, and no old values. */
export function encodeWatchCreate(key: Uint8Array, end: Uint8Array, startRevision: bigint): Buffer {
  const create = new MessageWriter().bytes(1, key).bytes(2, end).int(3, startRevision).int(4, true).int(8, true);
  return new MessageWriter().message(1, create).finish();
}

/** Of a stream of watches: how far are they? */
export function encodeWatchProgress(): Buffer {
  return new MessageWriter().message(3, new MessageWriter()).finish();
}

export function encodeLeaseGrant(ttlSeconds: number): Buffer {
  return new MessageWriter().int(1, ttlSeconds).finish();
}

/** Of a renewal and of a revocation. */
export function encodeLeaseId(id: bigint): Buffer {
  return new MessageWriter().int(1, id).finish();
}

export function encodeAuthenticate(name: string, password: string): Buffer {
  return new MessageWriter().text(1, name).text(2, password).finish();
}

export function encodeNothing(): Buffer {
  return Buffer.alloc(0);
}

export function decodeRange(bytes: Uint8Array): RangeResponse {
  let header = NO_HEADER;
  let more = false;
  const entries: KeyValue[] = [];
  readMessage(bytes, (number, value, body) => {
    if (number === 1) header = decodeHeader(body);
    else if (number === 2) entries.push(decodeKeyValue(body));
    else if (number === 3) more = value !== 0n;
  });
  return { header, entries, more };
}

export function decodeTxn(bytes: Uint8Array): TxnResponse {
  let header = NO_HEADER;
  let succeeded = false;
  const ranges: RangeResponse[] = [];
  readMessage(bytes, (number, value, body) => {
    if (number === 1) header = decodeHeader(body);
    else if (number === 2) succeeded = value !== 0n;
    else if (number === 3) {
      readMessage(body, (kind, _, response) => {
        if (kind === 1) ranges.push(decodeRange(response));
      });
    }
  });
  return { header, succeeded, ranges };
}

export function decodeWatch(bytes: Uint8Array): WatchResponse {
  const events: WatchEventMessage[] = [];
  const response = {
    header: NO_HEADER,
    watchId: 0n,
    created: false,
    canceled: false,
    compactRevision: 0n,
    cancelReason: "",
    fragment: false,
    events,
  };
  readMessage(bytes, (number, value, body) => {
    if (number === 1) response.header = decodeHeader(body);
    else if (number === 2) response.watchId = signed(value);
    else if (number === 3) response.created = value !== 0n;
    else if (number === 4) response.canceled = value !== 0n;
    else if (number === 5) response.compactRevision = signed(value);
    else if (number === 6) response.cancelReason = textOf(body);
    else if (number === 7) response.fragment = value !== 0n;
    else if (number === 11) events.push(decodeEvent(body));
  });
  return response;
}

/** Of a grant and of a renewal. */
export function decodeLease(bytes: Uint8Array): LeaseResponse {
  let id = 0n;
  let ttlSeconds = 0;
  readMessage(bytes, (number, value) => {
    if (number === 2) id = signed(value);
    else if (number === 3) ttlSeconds = Number(signed(value));
  });
  return { id, ttlSeconds };
}

export function decodeToken(bytes: Uint8Array): string {
  let token = "";
  readMessage(bytes, (number, _, body) => {
    if (number === 2) token = textOf(body);
  });
  return token;
}

export function decodeStatus(bytes: Uint8Array): StatusResponse {
  const errors: string[] = [];
  const response = { header: NO_HEADER, version: "", dbSize: 0, dbSizeQuota: 0, leader: 0n, errors };
  readMessage(bytes, (number, value, body) => {
    if (number === 1) response.header = decodeHeader(body);
    else if (number === 2) response.version = textOf(body);
    else if (number === 3) response.dbSize = Number(signed(value));
    else if (number === 4) response.leader = value;
    else if (number === 8) errors.push(textOf(body));
    else if (number === 12) response.dbSizeQuota = Number(signed(value));
  });
  return response;
}

export function decodeNothing(): undefined {
  return undefined;
}

const NO_HEADER: Header = { clusterId: 0n, revision: 0n };

function decodeHeader(bytes: Uint8Array): Header {
  let clusterId = 0n;
  let revision = 0n;
  readMessage(bytes, (number, value) => {
    if (number === 1) clusterId = value;
    else if (number === 3) revision = signed(value);
  });
  return { clusterId, revision };
}

function decodeKeyValue(bytes: Uint8Array): KeyValue {
  const entry = { key: "", value: new Uint8Array(0), created: 0n, modified: 0n, lease: 0n };
  readMessage(bytes, (number, value, body) => {
    if (number === 1) entry.key = textOf(body);
    else if (number === 2) entry.created = signed(value);
    else if (number === 3) entry.modified = signed(value);
    else if (number === 5)
      entry.value = new Uint8Array(body); // its own: the message goes
    else if (number === 6) entry.lease = signed(value);
  });
  return entry;
}

function decodeEvent(bytes: Uint8Array): WatchEventMessage {
  let isDelete = false;
  let entry: KeyValue | undefined;
  readMessage(bytes, (number, value, body) => {
    if (number === 1) isDelete = value === 1n;
    else if (number === 2) entry = decodeKeyValue(body);
  });
  if (entry === undefined) throw new Error("an event of a watch has no key");
  return { isDelete, entry };
}

function rangeWriter(request: RangeRequest): MessageWriter {
  const writer = new MessageWriter().bytes(1, request.key).bytes(2, request.end ?? new Uint8Array(0));
  writer.int(3, request.limit ?? 0).int(4, request.revision ?? 0n);
  return writer.int(8, request.keysOnly ?? false).int(10, request.minModified ?? 0n);
}

/** The target of Compare, and the field that has its value. */
const TARGETS = { created: [1, 5], modified: [2, 6], lease: [4, 8] } as const;

function comparisonWriter({ target, key, value }: Comparison): MessageWriter {
  const [kind, field] = TARGETS[target];
  return new MessageWriter().int(2, kind).text(3, key).intEvenZero(field, value);
}

function operationWriter(operation: Operation): MessageWriter {
  const writer = new MessageWriter();
  switch (operation.kind) {
    case "range":
      return writer.message(1, rangeWriter(operation.range));
    case "put": {
      const put = new MessageWriter().text(1, operation.key).bytes(2, operation.value).int(3, operation.lease);
      return writer.message(2, put);
    }
    case "delete":
      return writer.message(3, new MessageWriter().text(1, operation.key));
    default:
      return operation satisfies never;
  }
}
