import { ConsulServer } from "../../support/consul-server.ts";
import { renewalSuite } from "../renewal/renewal.ts";
import { CONSUL_ABSENCE } from "./consul-fixture.ts";

renewalSuite("consul", {
  ttlMs: 10_000, // its least
  skipStopped: "Consul ends a session after twice its TTL: etcd and the embedded store show the same sooner",
  skip: CONSUL_ABSENCE,
  open: async () => {
    const server = await ConsulServer.open();
    return { settings: server.settings, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
});
