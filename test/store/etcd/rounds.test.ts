import { safeRounds } from "../rounds/safe-rounds.ts";

safeRounds("etcd", { rounds: 20, waves: 2, elections: 14 });
