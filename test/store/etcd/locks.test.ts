import { realLocks } from "../rounds/real-locks.ts";

realLocks("etcd");
