import { safeRounds } from "../rounds/safe-rounds.ts";

// One after the other: each of them keeps five processes and 300 sessions busy. Of three members
// the one that leads is killed in the second wave, and another one in the third: these three have
// all that is done to candidates.
safeRounds("etcd", { rounds: 12, waves: 1, elections: 24 });
safeRounds("etcd3", { rounds: 40, waves: 3, elections: 24 });
