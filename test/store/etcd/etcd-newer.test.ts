import { etcdContract } from "./etcd-fixture.ts";

etcdContract("etcd-newer", 1);
