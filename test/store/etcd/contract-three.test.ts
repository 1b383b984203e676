import { etcdContract } from "./etcd-fixture.ts";

etcdContract("etcd", 3);
