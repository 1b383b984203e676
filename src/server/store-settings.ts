import { join } from "node:path";
import type { CoordinationDocument } from "../config/schema/coordination.ts";
import type { StoreSettings, StoreTls } from "../store/store.ts";

/**
 * The store that a config names. The embedded one is a file in the node's data directory; without
 * one it is in memory, and ends with the process.
 */
export function storeSettings(coordination: CoordinationDocument, dataDir: string | undefined): StoreSettings {
  const { type, endpoints, username, password, token, compact } = coordination;
  const tls = tlsOf(coordination);
  switch (type) {
    case "embedded":
      return { kind: type, file: dataDir === undefined ? ":memory:" : join(dataDir, "store.sqlite") };
    case "etcd": {
      const isUser = username !== undefined && password !== undefined;
      const user = isUser ? { name: username, password: password.reveal() } : undefined;
      return { kind: type, endpoints, tls, user, compact };
    }
    case "consul":
      return { kind: type, endpoints, tls, token: token?.reveal() };
    default:
      return type satisfies never;
  }
}

function tlsOf({ tls }: CoordinationDocument): StoreTls | undefined {
  if (tls === undefined) return undefined;
  return { ca: tls.ca, cert: tls.cert, key: tls.key?.reveal(), serverName: tls.server_name };
}
