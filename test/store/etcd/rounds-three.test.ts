import { safeRounds } from "../rounds/safe-rounds.ts";

// The second wave kills the member that leads the others, the third another one.
safeRounds("etcd3", { rounds: 200, waves: 4, elections: 60 });
