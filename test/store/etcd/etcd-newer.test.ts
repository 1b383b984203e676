import { etcdContract } from "./etcd-fixture.ts";

// What an etcd decides, and a newer one may decide otherwise. What a network does, and how long
// calls wait, is our client's.
etcdContract("etcd-newer", 1, ["reads", "txns", "watches", "lags", "leases", "catchUps", "compaction", "wipes"]);
