import { after, before, test } from "node:test";
import { EtcdServer } from "../support/etcd-server.ts";
import { obeysTheNewest } from "./obeying-node.ts";
import { strangersAreRefused } from "./secure-nodes.ts";
import { settingsReachRegions } from "./settings-of-regions.ts";

// Whole nodes in this process, each time others, on one etcd: below prefixes of their own.
let etcd: EtcdServer;
before(async () => {
  etcd = await EtcdServer.open();
});
after(() => etcd[Symbol.asyncDispose]());

test("what a region is to have reaches its nodes and no others, also when the region is registered while they run", () =>
  settingsReachRegions(etcd));

test("who has the fleet's token and a certificate of its own id is one of it; another id, another token, no certificate, another authority and plain text are refused", () =>
  strangersAreRefused(etcd));

test("a node that has seen a higher epoch obeys no lower one, after a restart neither; nothing is obeyed after its time, and what is over gives way to what all run", () =>
  obeysTheNewest(etcd));
