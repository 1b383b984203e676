import { safeRounds } from "../rounds/safe-rounds.ts";

safeRounds("embedded", { rounds: 20, waves: 2, elections: 24 });
