import { safeRounds } from "../rounds/safe-rounds.ts";

// Consul ends a session after twice its TTL: one wave takes 20 s.
safeRounds("consul", { rounds: 20, waves: 1, elections: 34 });
