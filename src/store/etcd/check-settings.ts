import { RouterError } from "../../core/errors.ts";
import type { EtcdSettings } from "../store.ts";
import { credentialsOf } from "./credentials.ts";

/** Throws `STORE_REFUSED` for what no etcd can be reached with. */
export function checkSettings({ endpoints, tls }: EtcdSettings): void {
  if (endpoints.length === 0) {
    throw new RouterError("STORE_REFUSED", "etcd has no endpoint", {
      hint: 'coordination.endpoints: ["http://127.0.0.1:2379"]',
    });
  }
  for (const endpoint of endpoints) {
    const url = URL.parse(endpoint);
    if (url === null || !/^https?:$/u.test(url.protocol) || url.hostname === "" || url.username !== "") {
      const shown = JSON.stringify(endpoint.replace(/\/\/.*@/u, "//...@"));
      throw new RouterError("STORE_REFUSED", `etcd: ${shown} is no endpoint`, {
        hint: "coordination.endpoints are http://host:port or https://host:port",
      });
    }
    credentialsOf(url, tls);
  }
}
