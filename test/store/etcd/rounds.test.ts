import { safeRounds } from "../rounds/safe-rounds.ts";

safeRounds("etcd", { rounds: 200, waves: 4, elections: 60 });
