import { consulContract } from "./consul-fixture.ts";

// A session of Consul takes 20 s to end by itself: meanwhile the other parts run.
consulContract("consul, leases", ["leases"]);
