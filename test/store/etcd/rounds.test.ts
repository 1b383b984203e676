import { safeRounds } from "../rounds/safe-rounds.ts";

// One after the other: each of them keeps five processes and 300 sessions busy. Of three members
// the one that leads is killed in the second wave, and another one in the third.
safeRounds("etcd", { rounds: 20, waves: 1, elections: 30 });
safeRounds("etcd3", { rounds: 100, waves: 4, elections: 30 });
