import { isAbsolute, resolve } from "node:path";
import type { CoordinationDocument } from "../config/schema/coordination.ts";
import type { StoreSettings, StoreTls } from "../store/store.ts";

/** Of a node that does not say where its embedded store is. */
const STORE_FILE = "store.sqlite";

/**
 * The store that a config names. The embedded one is a file, as a rule in the node's data
 * directory; where there is neither, it is in memory, and ends with the process.
 */
export function storeSettings(coordination: CoordinationDocument, dataDir: string | undefined): StoreSettings {
  const { type, file = STORE_FILE, endpoints, username, password, token, compact } = coordination;
  const tls = tlsOf(coordination);
  switch (type) {
    case "embedded":
      return { kind: type, file: fileIn(dataDir, file) };
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

function fileIn(dataDir: string | undefined, file: string): string {
  if (dataDir !== undefined) return resolve(dataDir, file);
  return isAbsolute(file) ? file : ":memory:";
}

function tlsOf({ tls }: CoordinationDocument): StoreTls | undefined {
  if (tls === undefined) return undefined;
  return { ca: tls.ca, cert: tls.cert, key: tls.key?.reveal(), serverName: tls.server_name };
}
