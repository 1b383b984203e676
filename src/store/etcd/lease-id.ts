/** Leases as people and etcdctl write them: in hexadecimal. */
export function leaseText(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16);
}

/** Undefined: no lease of etcd has such a name. */
export function leaseId(text: string): bigint | undefined {
  if (!/^[0-9a-f]{1,16}$/u.test(text)) return undefined;
  return BigInt.asIntN(64, BigInt(`0x${text}`));
}
